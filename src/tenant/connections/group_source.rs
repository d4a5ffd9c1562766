//! `groupSource`: of a connection whose groups decide on access, no mapping grants something to its
//! users for becoming such; of one whose groups do not, no condition sees who is in them.

use super::options::{GROUP_SOURCE, Options};
use crate::http::{Problem, ProblemCode};
use crate::policy::{GroupSource, Mapping};
use crate::scim::schema::Fault;
use crate::store::connections::ConnectionRow;
use crate::tenant::memory::Connection;
use crate::tenant::work::Work;

impl Connection {
    /// Whether what it says of groups counts for access: not before it has been active, nor where the
    /// tenant gives its users what they have.
    pub(in crate::tenant) fn is_heard(&self) -> bool {
        let source = self.rules.and_then(|rules| rules.options.group_source);
        self.row.activated && source != Some(GroupSource::Local)
    }
}

impl Work<'_, '_> {
    /// Refuses a connection whose groups decide on access where a mapping does: 422.
    pub(in crate::tenant) fn allow_source(&self, row: &ConnectionRow) -> Result<(), Problem> {
        match conflicting(&self.memory.policy.access.mappings, row) {
            None => Ok(()),
            Some((_, mapping)) => Err(refused(of_connection("", mapping))),
        }
    }

    /// Refuses mappings that grant for becoming a user of a connection whose groups decide on access,
    /// connections being as they are then: 422.
    pub(in crate::tenant) fn allow_mappings(
        &self,
        mappings: &[Mapping],
        changed: &[ConnectionRow],
    ) -> Result<(), Problem> {
        for row in changed {
            if let Some((_, mapping)) = conflicting(mappings, row) {
                let at = Fault::within("/connections", &row.id, "").path;
                return Err(refused(of_connection(&at, mapping)));
            }
        }
        let is_changed = |id: &str| changed.iter().any(|row| row.id == id);
        let others = self.memory.connections.values().map(|connection| &connection.row);
        for row in others.filter(|row| !is_changed(&row.id)) {
            if let Some((place, _)) = conflicting(mappings, row) {
                let detail = "is not for users of a connection whose `groupSource` is idp";
                return Err(refused(Fault::new(format!("/mappings/{place}/trigger"), detail)));
            }
        }
        Ok(())
    }
}

/// The first mapping that grants for becoming a user of a connection, where its groups decide.
fn conflicting<'m>(mappings: &'m [Mapping], row: &ConnectionRow) -> Option<(usize, &'m Mapping)> {
    let source = Options::read(&row.options).ok().and_then(|options| options.group_source);
    let mut mappings = mappings.iter().enumerate().filter(|_| source == Some(GroupSource::Idp));
    mappings.find(|(_, mapping)| mapping.links() == Some(row.id.as_str()))
}

fn of_connection(at: &str, mapping: &Mapping) -> Fault {
    let detail = format!("cannot be idp: mapping `{}` grants by identity.linked", mapping.id);
    Fault::within(at, GROUP_SOURCE, detail)
}

fn refused(fault: Fault) -> Problem {
    Problem::at(ProblemCode::GroupSourceConflict, fault)
}
