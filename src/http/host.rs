//! Hosts of tenants: the pattern by which a host's name is a tenant's.

use crate::limits;
use crate::registry::Slug;

/// The variable `TENANT_HOST`: a host's name with `{tenant}` in place of a slug, as in
/// `users-{tenant}.example.com`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TenantHost {
    before: String,
    after: String,
}

const PLACE: &str = "{tenant}";
/// RFC 1035 §2.3.4: the most that a host's name may have in text.
const NAME_CHARACTERS: usize = 253;

impl TenantHost {
    /// Reads the pattern.
    ///
    /// # Errors
    /// What is wrong with it. A pattern is never mended: another host than was meant might be a
    /// tenant's.
    pub fn parse(pattern: &str) -> Result<Self, &'static str> {
        let (before, after) =
            pattern.split_once(PLACE).ok_or("TENANT_HOST has no `{tenant}` in it")?;
        let (before, after) = (before.to_ascii_lowercase(), after.to_ascii_lowercase());
        let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        if !before.chars().chain(after.chars()).all(is_known) {
            return Err(
                "TENANT_HOST is a host's name with one `{tenant}`, without scheme and port",
            );
        }
        // The name with the longest slug must be one that can be resolved.
        let name = format!("{before}{}{after}", "x".repeat(limits::SLUG_CHARACTERS));
        let is_label = |label: &str| {
            (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
        };
        if name.len() > NAME_CHARACTERS || !name.split('.').all(is_label) {
            return Err("TENANT_HOST is no name that a host can have");
        }
        if !after.contains('.') {
            return Err("TENANT_HOST has no domain behind `{tenant}`");
        }
        Ok(Self { before, after })
    }

    /// Whose host it is, whatever its port; `None` for a host of nobody.
    ///
    /// Names of hosts have no case (RFC 4343), so neither has a slug within one.
    pub fn tenant(&self, authority: &str) -> Option<Slug> {
        let name = match authority.split_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            Some(_) => return None,
            None => authority,
        };
        let name = name.to_ascii_lowercase();
        let slug = name.strip_prefix(self.before.as_str())?.strip_suffix(self.after.as_str())?;
        Slug::parse(slug)
    }
}
