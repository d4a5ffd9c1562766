//! People who are to be forgotten: what the log tells of them goes, by alarm and in bounded steps.
//!
//! Of an event about one of them, the places in the log and in the chain stay, its type, its time and the
//! id, which is random and names nobody; so do bare ids in events about others. Everything else goes,
//! with the salt, so that the digest that stays proves nothing about anybody. What ends it all,
//! `user.deleted`, stays whole: it has ids and nothing else. No event about others has a word of them,
//! as it is recorded: see [`crate::scim::resource::Resource::told`], and members that are kept as sent are
//! only counted. What receivers have answered to events that name them goes, too.

use super::log::digest_of;
use super::memory::Memory;
use crate::event;
use crate::limits;
use crate::store::erasures::{self, Pass};
use crate::store::{Sql, StoreError, events};

impl Memory {
    /// Has the log forget a user who is no more.
    pub(super) fn forget_person(&mut self, sql: &dyn Sql, id: &str) -> Result<(), StoreError> {
        self.touched = true;
        self.sweeping = true;
        erasures::add(sql, id)
    }
}

/// Does one step, if there is one to do.
pub(super) fn step(sql: &dyn Sql, memory: &Memory) -> Result<(), StoreError> {
    let pass = match erasures::pass(sql)? {
        Some(pass) => pass,
        None if erasures::any(sql)? => {
            erasures::take(sql, limits::ERASED_AT_ONCE)?;
            Pass { after: memory.log.anchor, until: memory.last_seq }
        }
        None => return Ok(()),
    };
    let until = pass.after.saturating_add(limits::EVENTS_SCANNED).min(pass.until);
    let found = events::about_erased(sql, pass.after, until, limits::ERASED_EVENTS)?;
    for one in &found {
        let digest = one.salt.as_ref().map(|salt| digest_of(&one.event, salt));
        let left = event::erased(&one.event.data);
        events::erase(sql, one.event.seq, &left, digest.as_ref().map(<[u8; 32]>::as_slice))?;
    }
    let reached = match found.last() {
        Some(last) if found.len() >= limits::ERASED_EVENTS => last.event.seq,
        _ => until,
    };
    if reached >= pass.until {
        return erasures::end(sql);
    }
    erasures::write(sql, Pass { after: reached, ..pass })
}
