//! The guard of all that is fetched from outside: which addresses may be.
//!
//! Whoever configures a tenant names them, so none may lead into the network that this runs in. What
//! a name resolves to is the runtime's to judge; it has no way into a private network.

use super::TenantHost;
use crate::limits;

/// What a deployment permits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Outbound<'a> {
    /// Whether `http://127.0.0.1:{port}` may be fetched, which only tests and developers want.
    pub loopback: bool,
    /// The origin by which the deployment itself is called.
    pub own_origin: &'a str,
    /// The pattern of its tenants' hosts, if they have hosts.
    pub tenant_host: Option<&'a TenantHost>,
}

/// Where an issuer tells of itself (OpenID Connect Discovery 1.0 §4).
pub fn configuration_of(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

/// The host of an address that may be fetched, with its port if it has one: the rest may be a secret.
pub fn host_of(url: &str) -> Option<&str> {
    url.split_once("://").map(|(_, behind)| authority(behind))
}

/// Names that no public server has.
const PRIVATE: [&str; 3] = ["localhost", "internal", "local"];
const NAME_BYTES: usize = 253;
const LABEL_BYTES: usize = 63;

impl Outbound<'_> {
    /// Whether an address may be fetched: https on 443 with a public DNS name that is neither
    /// the deployment's own nor a tenant's. No IP address in any notation, no user information.
    pub fn permits(&self, url: &str) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#');
        if url.len() > limits::TRUST_CHARACTERS || !url.bytes().all(is_plain) {
            return false;
        }
        if let Some(behind) = url.strip_prefix("http://127.0.0.1:") {
            return self.loopback && is_port(behind);
        }
        let Some(behind) = url.strip_prefix("https://") else { return false };
        let authority = authority(behind);
        let host = authority.strip_suffix(":443").unwrap_or(authority).to_ascii_lowercase();
        let is_tenants = self.tenant_host.is_some_and(|hosts| hosts.tenant(&host).is_some());
        is_public_name(&host) && host != own_host(self.own_origin) && !is_tenants
    }
}

/// Whether a port stands alone or before a path.
fn is_port(behind: &str) -> bool {
    let (port, path) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
    let is_number = !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit());
    is_number && port.parse::<u16>().is_ok() && (path.is_empty() || path.starts_with('/'))
}

/// Whether a host is a name of at least two labels, the last of which no IP address could have.
fn is_public_name(host: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = |label: &str| {
        (1..=LABEL_BYTES).contains(&label.len())
            && label.bytes().all(is_letter)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let Some((_, last)) = host.rsplit_once('.') else { return false };
    host.len() <= NAME_BYTES
        && host.split('.').all(is_label)
        && last.starts_with(|first: char| first.is_ascii_lowercase())
        && !PRIVATE.contains(&last)
}

fn own_host(origin: &str) -> String {
    let authority = origin.split_once("://").map_or(origin, |(_, behind)| authority(behind));
    authority.split(':').next().unwrap_or_default().to_ascii_lowercase()
}

fn authority(behind: &str) -> &str {
    behind.split(['/', '?']).next().unwrap_or_default()
}
