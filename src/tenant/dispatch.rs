//! Which family does what is asked.

use super::work::{Answer, Work};
use crate::http::{LinkAction, Method, Route};

impl<'c> Work<'_, 'c> {
    /// Hands the request to its family. The gate has seen to it that route and method fit; here it
    /// is asked again, since a request that is taken for another must not write.
    pub(super) fn run(&mut self) -> Answer {
        let route: &'c Route = self.call.request.route;
        match (route, self.call.request.method) {
            (Route::Scim { target, .. }, method) => self.scim_target(target, method),
            (Route::Keys(_), Method::Get) => self.list_keys(),
            (Route::Keys(_), Method::Post) => self.create_key(),
            (Route::Key(_, id), Method::Get) => self.read_key(id),
            (Route::Key(_, id), Method::Delete) => self.revoke_key(id),
            (Route::Rotation(_, id), Method::Post) => self.rotate_key(id),
            (Route::Connections(_), Method::Get) => self.list_connections(),
            (Route::Connections(_), Method::Post) => self.create_connection(),
            (Route::Connection(_, id), Method::Get) => self.read_connection(id),
            (Route::Connection(_, id), Method::Patch) => self.patch_connection(id),
            (Route::Connection(_, id), Method::Delete) => self.delete_connection(id),
            (Route::ImportConnection(_), Method::Post) => self.import_connection(),
            (Route::ConnectionAction(_, id, action), method) => {
                self.connection_action(id, *action, method)
            }
            (Route::Secrets(_, connection), Method::Get) => self.list_secrets(connection),
            (Route::Secrets(_, connection), Method::Post) => self.create_secret(connection),
            (Route::Secret(_, connection, id), Method::Delete) => {
                self.revoke_secret(connection, id)
            }
            (Route::Trusts(_, connection), Method::Get) => self.list_trusts(connection),
            (Route::Trusts(_, connection), Method::Post) => self.create_trust(connection),
            (Route::Trust(_, connection, id), Method::Delete) => self.revoke_trust(connection, id),
            (Route::Token(_), Method::Post) => self.token(),
            (Route::ConnectionHealth(_, id), Method::Get) => self.health(id),
            (Route::ConnectionTest(_, id), Method::Post) => self.test_connection(id),
            (Route::Requests(_), Method::Get) => self.read_requests(),
            (Route::LinkDecision(_, id, LinkAction::Link), Method::Post) => self.link_user(id),
            (Route::LinkDecision(_, id, LinkAction::Unlink), Method::Post) => self.unlink_user(id),
            (Route::AccessDecision(_, id, action), Method::Post) => self.decide_access(id, *action),
            (Route::AccessDecisions(_, action), Method::Post) => self.decide_all(*action),
            (Route::Events(_), Method::Get) => self.read_events(),
            (Route::Snapshot(_), Method::Get) => self.snapshot(),
            (Route::Export(_), Method::Get) => self.export(),
            (Route::Import(_), Method::Post) => self.import(),
            (Route::Imports(_), Method::Get) => self.list_imports(),
            (Route::Imports(_), Method::Post) => self.begin_import(),
            (Route::UserImport(_, id), Method::Get) => self.read_import(id),
            (Route::UserImport(_, id), Method::Post) => self.continue_import(id),
            (Route::Matches(_), Method::Get) => self.list_matches(),
            (Route::MatchDecision(_, id, action), Method::Post) => self.decide_match(id, *action),
            (Route::Policies(_), Method::Get) => Ok(self.read_policies()),
            (Route::Policies(_), Method::Put) => self.amend_policies(),
            (Route::PolicyPart(_, part), Method::Get) => Ok(self.read_policy_part(*part)),
            (Route::PolicyPart(_, part), Method::Put) => self.replace_policy_part(*part),
            (Route::MappingDiagnostics(_, id), Method::Get) => self.diagnose(id),
            (Route::Drift(_), Method::Get) => self.read_drift(),
            (Route::Recompute(_), Method::Get) => Ok(self.read_recomputation()),
            (Route::Recompute(_), Method::Post) => self.recompute_all(),
            (Route::Access(_), Method::Get) => self.find_access(),
            (Route::UserAccess(_, id), Method::Get) => self.read_access(id),
            (Route::UserTimeline(_, id), Method::Get) => self.timeline(id),
            (Route::UserGrants(_, id), Method::Get) => self.list_grants(id),
            (Route::UserGrants(_, id), Method::Post) => self.add_grant(id),
            (Route::UserGrants(_, id), Method::Delete) => self.remove_grant(id),
            (Route::UserChanges(_, id), Method::Get) => self.list_changes(Some(id), None),
            (Route::Changes(_), Method::Get) => self.list_changes(None, None),
            (Route::ChangesDecision(_, action), Method::Post) => self.decide_changes(*action),
            (Route::ChangeDecision(_, id, action), Method::Post) => self.decide_change(id, *action),
            (Route::Schemas(_), Method::Get) => self.list_declared(),
            (Route::Schemas(_), Method::Put) => self.replace_all_declared(),
            (Route::Schemas(_), Method::Post) => self.declare(),
            (Route::Schema(_, urn), Method::Get) => self.read_declared(urn),
            (Route::Schema(_, urn), Method::Put) => self.replace_declared(urn),
            (Route::Schema(_, urn), Method::Delete) => self.withdraw_declared(urn),
            (route, method) => self.ask_of_streams(route, method),
        }
    }
}
