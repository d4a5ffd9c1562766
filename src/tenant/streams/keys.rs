//! The keys that sign a stream's messages: in rows they are sealed.

use chrono::{DateTime, Utc};

use super::Stream;
use crate::auth::{KeyRing, SigningKey};
use crate::store::{Sql, StoreError, streams};

/// What the keys of streams are sealed for.
const PURPOSE: &str = "muster stream key 1";
/// What that is sealed for which receivers are shown.
const AUTHORIZATION: &str = "muster stream authorization 1";

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

    /// Seals the keys anew where another secret of the ring has sealed them than does now.
    pub(super) fn reseal(
        &mut self,
        sql: &dyn Sql,
        key_ring: &KeyRing,
        tenant: &str,
    ) -> Result<(), StoreError> {
        let anew = |text: &str| -> Result<Option<String>, StoreError> {
            match self.open(key_ring, tenant, text) {
                Some((key, false)) => sealed(key_ring, tenant, &self.row.id, &key).map(Some),
                _ => Ok(None),
            }
        };
        let secret = anew(&self.row.secret)?;
        let former = self.row.former.as_deref().map(anew).transpose()?.flatten();
        if secret.is_none() && former.is_none() {
            return Ok(());
        }
        if let Some(secret) = secret {
            self.row.secret = secret;
            if let Some(authorization) = self.authorization(key_ring, tenant) {
                let sealed = sealed_authorization(key_ring, tenant, &self.row.id, &authorization)?;
                self.row.authorization = Some(sealed);
            }
        }
        self.row.former = former.or(self.row.former.take());
        streams::put(sql, &self.row)
    }

    /// What its receiver is shown, if anything.
    pub(super) fn authorization(&self, key_ring: &KeyRing, tenant: &str) -> Option<String> {
        let sealed = self.row.authorization.as_deref()?;
        let opened = key_ring.open(AUTHORIZATION, &[tenant, &self.row.id], sealed)?;
        String::from_utf8(opened.secret).ok()
    }

    /// A key, and whether the secret has sealed it that does now.
    fn open(&self, key_ring: &KeyRing, tenant: &str, text: &str) -> Option<(SigningKey, bool)> {
        let opened = key_ring.open(PURPOSE, &[tenant, &self.row.id], text)?;
        Some((SigningKey::of_bytes(&opened.secret)?, opened.is_current))
    }
}
