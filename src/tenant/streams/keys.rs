//! The keys that sign a stream's messages: in rows they are sealed.

use chrono::{DateTime, Utc};

use super::Stream;
use super::batch::Receiver;
use crate::auth::{KeyRing, SigningKey};
use crate::store::streams::{self, StreamRow};
use crate::store::{Sql, StoreError};

/// What the keys of streams are sealed for.
const PURPOSE: &str = "muster stream key 1";
/// What that is sealed for which receivers are shown.
const AUTHORIZATION: &str = "muster stream authorization 1";

/// What is to be done where nobody can open the key any more.
pub(super) const KEY_LOST: &str = "the secret that sealed the stream's key is gone from KEY_RING; `rotate-secret` makes another key";
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
    let sealed = key_ring.seal(PURPOSE, &[tenant, stream], &key.to_bytes());
    sealed.ok_or_else(|| StoreError::new("no secret seals"))
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
    let sealed = key_ring.seal(AUTHORIZATION, &[tenant, stream], authorization.as_bytes());
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
        let latest = self.open(key_ring, tenant, &self.row.secret)?.0;
        let is_live = self.row.former_until > now.timestamp_millis();
        let former = self.row.former.as_deref().filter(|_| is_live);
        let former = former.and_then(|former| self.open(key_ring, tenant, former));
        Some([latest].into_iter().chain(former.map(|(key, _)| key)).collect())
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
        let authorization = match &self.row.authorization {
            None => None,
            Some(sealed) => {
                let opened = self.open_authorization(key_ring, tenant, sealed);
                Some(opened.ok_or(AUTHORIZATION_LOST)?.0)
            }
        };
        Ok(Receiver { url: self.row.url.clone(), authorization, keys })
    }

    /// Seals anew what another secret of the ring has sealed than does now.
    pub(super) fn reseal(
        &mut self,
        sql: &dyn Sql,
        key_ring: &KeyRing,
        tenant: &str,
    ) -> Result<(), StoreError> {
        let id = &self.row.id;
        let anew = |text: &String| match self.open(key_ring, tenant, text) {
            Some((key, false)) => sealed(key_ring, tenant, id, &key),
            _ => Ok(text.clone()),
        };
        let shown_anew = |text: &String| match self.open_authorization(key_ring, tenant, text) {
            Some((shown, false)) => sealed_authorization(key_ring, tenant, id, &shown),
            _ => Ok(text.clone()),
        };
        let secret = anew(&self.row.secret)?;
        let former = self.row.former.as_ref().map(anew).transpose()?;
        let authorization = self.row.authorization.as_ref().map(shown_anew).transpose()?;
        let row = StreamRow { secret, former, authorization, ..self.row.clone() };
        if row == self.row {
            return Ok(());
        }
        self.row = row;
        streams::put(sql, &self.row)
    }

    /// What its receiver is shown, and whether the secret has sealed it that does now.
    fn open_authorization(
        &self,
        key_ring: &KeyRing,
        tenant: &str,
        text: &str,
    ) -> Option<(String, bool)> {
        let opened = key_ring.open(AUTHORIZATION, &[tenant, &self.row.id], text)?;
        Some((String::from_utf8(opened.secret).ok()?, opened.is_current))
    }

    /// A key, and whether the secret has sealed it that does now.
    fn open(&self, key_ring: &KeyRing, tenant: &str, text: &str) -> Option<(SigningKey, bool)> {
        let opened = key_ring.open(PURPOSE, &[tenant, &self.row.id], text)?;
        Some((SigningKey::of_bytes(&opened.secret)?, opened.is_current))
    }
}
