//! What a connection says in place of the tenant's policies and of what holds where nothing is said.

use serde_json::{Map, Value};

use crate::policy::{GroupKinds, GroupSource, Groups};
use crate::tenant::adopt::MatchExisting;

/// What a connection has of its own.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::tenant) struct Options {
    /// What it may change of groups.
    pub(in crate::tenant) groups: Option<Groups>,
    /// The kinds of groups that it sees, where it does not see all.
    pub(in crate::tenant) visible: Option<GroupKinds>,
    /// Where its users' access comes from.
    pub(in crate::tenant) group_source: Option<GroupSource>,
    /// By what its POSTs find whom they take up.
    pub(in crate::tenant) match_existing: Option<MatchExisting>,
}

impl Options {
    /// Takes what a connection says out of its fields; `null` says nothing.
    pub(super) fn taken(fields: &mut Map<String, Value>) -> Map<String, Value> {
        let said = NAMES.iter().filter_map(|name| {
            let value = fields.shift_remove(*name).filter(|value| !value.is_null())?;
            Some(((*name).to_owned(), value))
        });
        said.collect()
    }

    /// Reads it.
    ///
    /// # Errors
    /// Which field is not right, and why.
    pub(in crate::tenant) fn read(
        said: &Map<String, Value>,
    ) -> Result<Self, (&'static str, &'static str)> {
        let mut options = Self::default();
        for (name, value) in said {
            match name.as_str() {
                GROUPS => {
                    let groups = value.as_str().and_then(Groups::of);
                    options.groups =
                        Some(groups.ok_or((GROUPS, "is neither full nor membershipOnly"))?);
                }
                VISIBLE_GROUPS => {
                    let kinds = GroupKinds::read(value);
                    options.visible = Some(kinds.ok_or((
                        VISIBLE_GROUPS,
                        "is no list of directory, provider, role and app",
                    ))?);
                }
                GROUP_SOURCE => {
                    let source = value.as_str().and_then(GroupSource::of);
                    options.group_source =
                        Some(source.ok_or((GROUP_SOURCE, "is neither local nor idp"))?);
                }
                MATCH_EXISTING => {
                    let matching = value.as_str().and_then(MatchExisting::of);
                    options.match_existing = Some(matching.ok_or((
                        MATCH_EXISTING,
                        "is none of never, userName, verifiedEmail, externalId",
                    ))?);
                }
                _ => return Err(("", "says what is not known")),
            }
        }
        Ok(options)
    }
}

const GROUPS: &str = "groups";
const VISIBLE_GROUPS: &str = "visibleGroups";
pub(super) const MATCH_EXISTING: &str = "matchExisting";
pub(super) const GROUP_SOURCE: &str = "groupSource";
const NAMES: [&str; 4] = [GROUPS, VISIBLE_GROUPS, MATCH_EXISTING, GROUP_SOURCE];
