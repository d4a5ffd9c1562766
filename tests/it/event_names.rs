//! What events are called on the wire: consumers rely on it.

use std::collections::BTreeSet;

use muster::event::{EventKind, Verb, is_type};

#[test]
fn the_names_of_events() {
    use EventKind::*;
    for (kind, name, resource_type) in [
        (Resource(1, Verb::Created), "user.created", "User"),
        (Resource(1, Verb::Updated), "user.updated", "User"),
        (Resource(1, Verb::Activated), "user.activated", "User"),
        (Resource(1, Verb::Deactivated), "user.deactivated", "User"),
        (Resource(1, Verb::Deleted), "user.deleted", "User"),
        (Resource(2, Verb::Created), "group.created", "Group"),
        (Resource(2, Verb::Deleted), "group.deleted", "Group"),
        (Resource(3, Verb::Created), "role.created", "Role"),
        (Resource(4, Verb::Updated), "entitlement.updated", "Entitlement"),
        (Resource(5, Verb::Deactivated), "agent.deactivated", "Agent"),
        (Resource(6, Verb::Deleted), "agenticApplication.deleted", "AgenticApplication"),
        (ChangePending, "change.pending", "User"),
        (ChangeApproved, "change.approved", "User"),
        (ChangeRejected, "change.rejected", "User"),
        (ChangeFailed, "change.failed", "User"),
        (UserAccessChanged, "user.access.changed", "User"),
        (UserStale, "user.stale", "User"),
        (GroupMemberAdded, "group.member.added", "Group"),
        (GroupMemberRemoved, "group.member.removed", "Group"),
        (Resource(1, Verb::Linked), "user.linked", "User"),
        (Resource(1, Verb::Unlinked), "user.unlinked", "User"),
        (ConnectionCreated, "connection.created", "Connection"),
        (ConnectionUpdated, "connection.updated", "Connection"),
        (ConnectionActivated, "connection.activated", "Connection"),
        (ConnectionDisabled, "connection.disabled", "Connection"),
        (ConnectionDeleted, "connection.deleted", "Connection"),
        (KeyCreated, "key.created", "Key"),
        (KeyRotated, "key.rotated", "Key"),
        (KeyRevoked, "key.revoked", "Key"),
        (StreamCreated, "stream.created", "Stream"),
        (StreamUpdated, "stream.updated", "Stream"),
        (StreamDisabled, "stream.disabled", "Stream"),
        (StreamDeleted, "stream.deleted", "Stream"),
        (TenantUpdated, "tenant.updated", "Tenant"),
        (TenantFeatureEnabled, "tenant.feature.enabled", "Tenant"),
        (AsyncCompleted, "async.completed", "Async"),
    ] {
        assert_eq!((&*kind.name(), kind.resource_type()), (name, resource_type));
    }
}

#[test]
fn the_readme_lists_all_types() {
    let readme = include_str!("../../README.md");
    let line = readme.lines().find(|line| line.starts_with("Types: `")).unwrap();
    let (listed, families) = line.split_once("; and ").unwrap();
    let quoted = |text: &str| -> BTreeSet<String> {
        text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let (listed, families) = (quoted(listed), quoted(families));
    let all: BTreeSet<String> = EventKind::all().map(|kind| kind.name().into_owned()).collect();
    let is_of_family = |name: &String| families.iter().any(|family| name.starts_with(family));
    let (of_families, others): (BTreeSet<_>, BTreeSet<_>) = all.into_iter().partition(is_of_family);
    assert_eq!(listed, others);
    // Four types of resources, of which agents and applications are switched off.
    assert_eq!(of_families.len(), 4 * 4 + 2 * 2);
    for name in listed.iter().chain(&of_families) {
        assert!(is_type(name), "{name}");
    }
}
