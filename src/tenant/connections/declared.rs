//! Connections as the policy document declares them: those it names are made or changed, as by the
//! API, and all others stay.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::fields::{changed_for_good, exported, merged, read_whole};
use super::{Scopes, leads};
use crate::gather::Gather as _;
use crate::limits;
use crate::scim::schema::{Fault, Registry};
use crate::store::connections::ConnectionRow;
use crate::tenant::work::{Failure, Work};

/// The member of the document.
pub(in crate::tenant) const CONNECTIONS: &str = "connections";

impl Work<'_, '_> {
    /// The connections that a document makes or changes, as they are then, under the schemas that it
    /// makes; where these are faulty, what the connections say in their terms is not judged.
    ///
    /// # Errors
    /// Every fault with its place; a state to which no way leads, and a name that another connection
    /// has, are such.
    pub(in crate::tenant) fn declared_connections(
        &self,
        declared: &Value,
        registry: Option<&Registry>,
    ) -> Result<Vec<ConnectionRow>, Vec<Fault>> {
        let Value::Object(declared) = declared else {
            return Err(vec![Fault::new("", "is not an object")]);
        };
        let scopes = registry.map(Scopes::under);
        let (mut rows, mut faults) = (Vec::new(), Vec::new());
        for (id, entry) in declared {
            let row = self.declared_connection(id, entry);
            match row.and_then(|row| scoped(row, scopes.as_ref())) {
                Ok(row) => rows.push(row),
                Err(found) => {
                    let at = Fault::within("", id, "").path;
                    faults.extend(found.into_iter().map(|fault| fault.below(&at)));
                }
            }
        }
        faults.extend(self.names_taken(&rows));
        let there = self.memory.connections.keys().map(String::as_str);
        let then: BTreeSet<&str> = there.chain(rows.iter().map(|row| row.id.as_str())).gathered();
        if then.len() > limits::CONNECTIONS_PER_TENANT {
            let most = limits::CONNECTIONS_PER_TENANT;
            faults.push(Fault::new("", format_args!("makes more than {most} connections")));
        }
        rows.retain(|row| self.memory.connections.get(&row.id).is_none_or(|own| own.row != *row));
        if faults.is_empty() { Ok(rows) } else { Err(faults) }
    }

    fn declared_connection(&self, id: &str, entry: &Value) -> Result<ConnectionRow, Vec<Fault>> {
        let Value::Object(entry) = entry else {
            return Err(vec![Fault::new("", "is not an object")]);
        };
        let Some(own) = self.memory.connections.get(id) else {
            let name = json!(id);
            let mut fields = Map::from_iter([("displayName".to_owned(), name.clone())]);
            fields.extend(entry.clone());
            if fields.insert("id".to_owned(), name.clone()).is_some_and(|sent| sent != name) {
                return Err(vec![Fault::new("/id", "is not the name under which it stands")]);
            }
            return read_whole(fields, self.now().timestamp_millis());
        };
        if own.departure.is_some() {
            return Err(vec![Fault::new("", "is being deleted")]);
        }
        let fixed = changed_for_good(&own.row, entry).into_iter();
        let fixed = fixed.map(|name| Fault::within("", name, "cannot be changed"));
        let mut faults: Vec<Fault> = fixed.collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let row = read_whole(merged(&own.row, entry.clone()), own.row.created)?;
        if !leads(&own.row.state, &row.state) {
            faults.push(Fault::new("/state", "is one to which no way leads from the state it has"));
            return Err(faults);
        }
        let activated = own.row.activated || row.activated;
        Ok(ConnectionRow { rev: own.row.rev, activated, ..row })
    }

    /// Names that another connection has, or will have. Two that change theirs for each other's do it
    /// one after the other.
    fn names_taken(&self, rows: &[ConnectionRow]) -> Vec<Fault> {
        let own = self.memory.connections.values().map(|connection| &connection.row);
        let mut names: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in own.chain(rows) {
            names.entry(&row.display_name).or_default().insert(&row.id);
        }
        let is_taken =
            |row: &&ConnectionRow| names.get(&*row.display_name).is_some_and(|ids| ids.len() > 1);
        let fault = |row: &ConnectionRow| {
            let at = Fault::within("", &row.id, "").path;
            Fault::new(format!("{at}/displayName"), "is that of another connection")
        };
        rows.iter().filter(is_taken).map(fault).collect()
    }

    /// Makes and changes connections that have been found to be right.
    pub(in crate::tenant) fn enact_connections(
        &mut self,
        rows: Vec<ConnectionRow>,
    ) -> Result<(), Failure> {
        for row in rows {
            if self.memory.connections.contains_key(&row.id) {
                self.change_connection(row)?;
            } else {
                self.add_connection(row)?;
            }
        }
        Ok(())
    }

    /// What a dry run tells of a connection.
    pub(in crate::tenant) fn connection_difference(&self, after: &ConnectionRow) -> Value {
        let before = self.memory.connections.get(&after.id).map(|own| exported(&own.row));
        let path = Fault::within("/connections", &after.id, "").path;
        json!({ "path": path, "before": before, "after": exported(after) })
    }
}

/// A connection whose `inScope` is a condition.
fn scoped(row: ConnectionRow, scopes: Option<&Scopes<'_>>) -> Result<ConnectionRow, Vec<Fault>> {
    match scopes.map(|scopes| scopes.read(&row)) {
        Some(Err(why)) => Err(vec![Fault::new("/inScope", why)]),
        _ => Ok(row),
    }
}
