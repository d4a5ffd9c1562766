//! The keys that sign a stream's messages: in rows they are sealed.

use chrono::{DateTime, Utc};

use super::Stream;
use super::batch::Receiver;
use crate::auth::{KeyRing, SigningKey};
use crate::store::streams::{self, StreamRow};
use crate::store::{Sql, StoreError};

/// What the keys of streams are sealed for.
const KEY: &str = "muster stream key 1";
/// What that is sealed for which receivers are shown.
const AUTHORIZATION: &str = "muster stream authorization 1";

/// What is to be done where nobody can open the key any more.
pub(super) const KEY_LOST: &str = "the secret that sealed the stream's key is gone from KEY_RING; \
    `rotate-secret` makes another key";
/// What is to be done where nobody can open the authorization any more.
const AUTHORIZATION_LOST: &str =
    "the secret that sealed the stream's `authorization` is gone from KEY_RING; give it once more";

/// Seals a key of a stream.
///
/// # Errors
/// Where there is no secret to do it with.
pub(super) fn sealed(
    key_ring: &KeyRing,
    tenant: &str,
    stream: &str,
    key: &SigningKey,
) -> Result<String, StoreError> {
    sealed_for(KEY, key_ring, &[tenant, stream], &key.to_bytes())
}

/// Seals what a stream's receiver is shown.
///
/// # Errors
/// As [`sealed`].
pub(super) fn sealed_authorization(
    key_ring: &KeyRing,
    tenant: &str,
    stream: &str,
    authorization: &str,
) -> Result<String, StoreError> {
    sealed_for(AUTHORIZATION, key_ring, &[tenant, stream], authorization.as_bytes())
}

fn sealed_for(
    purpose: &str,
    key_ring: &KeyRing,
    thing: &[&str],
    secret: &[u8],
) -> Result<String, StoreError> {
    let sealed = key_ring.seal(purpose, thing, secret);
    sealed.ok_or_else(|| StoreError::new("no secret seals"))
}

impl Stream {
    /// The keys that sign now, the latest first; none where the secret is gone that has sealed it.
    pub(super) fn keys(
        &self,
        key_ring: &KeyRing,
        tenant: &str,
        now: DateTime<Utc>,
    ) -> Option<Vec<SigningKey>> {
        let latest = self.open_key(key_ring, tenant, &self.row.secret)?;
        let is_live = self.row.former_until > now.timestamp_millis();
        let former = self.row.former.as_deref().filter(|_| is_live);
        let former = former.and_then(|former| self.open_key(key_ring, tenant, former));
        Some([latest].into_iter().chain(former).collect())
    }

    /// To whom messages go, and how they are signed.
    ///
    /// # Errors
    /// What nobody can open any more, and what is to be done about it.
    pub(super) fn receiver(
        &self,
        key_ring: &KeyRing,
        tenant: &str,
        now: DateTime<Utc>,
    ) -> Result<Receiver, &'static str> {
        let keys = self.keys(key_ring, tenant, now).ok_or(KEY_LOST)?;
        let open = |sealed: &String| self.open_authorization(key_ring, tenant, sealed);
        let opened = |sealed| open(sealed).ok_or(AUTHORIZATION_LOST);
        let authorization = self.row.authorization.as_ref().map(opened).transpose()?;
        Ok(Receiver { url: self.row.url.clone(), authorization, keys })
    }

    /// Seals anew what another secret of the ring has sealed than does now.
    pub(super) fn reseal(
        &mut self,
        sql: &dyn Sql,
        key_ring: &KeyRing,
        tenant: &str,
    ) -> Result<(), StoreError> {
        let thing = [tenant, &self.row.id];
        let anew = |purpose, text: &String| match key_ring.open(purpose, &thing, text) {
            Some(opened) if !opened.is_current => {
                sealed_for(purpose, key_ring, &thing, &opened.secret)
            }
            _ => Ok(text.clone()),
        };
        let secret = anew(KEY, &self.row.secret)?;
        let former = self.row.former.as_ref().map(|text| anew(KEY, text)).transpose()?;
        let authorization = self.row.authorization.as_ref();
        let authorization = authorization.map(|text| anew(AUTHORIZATION, text)).transpose()?;
        let row = StreamRow { secret, former, authorization, ..self.row.clone() };
        if row == self.row {
            return Ok(());
        }
        self.row = row;
        streams::put(sql, &self.row)
    }

    fn open_authorization(&self, key_ring: &KeyRing, tenant: &str, text: &str) -> Option<String> {
        let opened = key_ring.open(AUTHORIZATION, &[tenant, &self.row.id], text)?;
        String::from_utf8(opened.secret).ok()
    }

    fn open_key(&self, key_ring: &KeyRing, tenant: &str, text: &str) -> Option<SigningKey> {
        let opened = key_ring.open(KEY, &[tenant, &self.row.id], text)?;
        SigningKey::of_bytes(&opened.secret)
    }
}
