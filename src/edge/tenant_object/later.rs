//! Requests that are answered later: an alarm does a step of them.

use wasm_bindgen::JsValue;

use super::super::deployment::Deployment;
use super::super::{js, now, registry};
use super::{Object, random};
use crate::http::Refusal;
use crate::registry::Status;
use crate::tenant::Means;

impl Object {
    /// Does a step of a request that is answered later, if there is one.
    pub(super) async fn work_off(&self) -> Result<(), JsValue> {
        if !self.tenant.borrow().is_working_off() {
            return Ok(());
        }
        self.worked_off().await.map_err(|cause| self.failed_alarm("async", cause))
    }

    /// Why the tenant would be refused any request, if it would.
    pub(super) async fn refusal(&self) -> Result<Option<Refusal>, String> {
        let slug = self.slug.as_ref().ok_or("the object has no name")?;
        match registry::record_for_object(&self.env, slug).await {
            Ok(known) if known.record.status == Status::Suspended => Ok(Some(Refusal::Suspended)),
            Ok(_) => Ok(None),
            Err(Refusal::NoTenant) => Ok(Some(Refusal::NoTenant)),
            Err(refusal) => Err(refusal.cause().unwrap_or_default().to_owned()),
        }
    }

    async fn worked_off(&self) -> Result<(), String> {
        let slug = self.slug.as_ref().ok_or("the object has no name")?;
        let refused = self.refusal().await?;
        let deployment = Deployment::of(&self.env);
        let gate = deployment.gate().map_err(|_| "there are no usable secrets")?;
        let means = &mut Means {
            now: now(),
            random: &mut random,
            normalize: &js::normalized,
            key_ring: &gate.key_ring,
        };
        let mut tenant = self.tenant.borrow_mut();
        let done = tenant.work_off(&self.sql, slug, means, refused.as_ref());
        self.polls.tell(tenant.last_seq());
        done.map_err(|error| error.to_string())
    }
}
