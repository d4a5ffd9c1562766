//! Routes, problems and errors in an order: a new one does not compile before it has its place, so
//! that nothing is left out of the description of the API.

use muster::http::{
    AccessAction, ChangeAction, ConnectionAction, LinkAction, MatchAction, PolicyPart, ProblemCode,
    Route, ScimTarget, StreamAction,
};
use muster::registry::Slug;
use muster::scim::ErrorKind;
use muster::scim::schema::Registry;

/// The route that follows one in the order of [`Route`]: a new variant asks for its place here.
pub(crate) fn after(route: &Route) -> Option<Route> {
    let (x, id) = (|| Slug::parse("x").unwrap(), || "x".to_owned());
    Some(match route {
        Route::Health => Route::Tenants,
        Route::Tenants => Route::Tenant(x()),
        Route::Tenant(_) => Route::Keys(x()),
        Route::Keys(_) => Route::Key(x(), id()),
        Route::Key(..) => Route::Rotation(x(), id()),
        Route::Rotation(..) => Route::Connections(x()),
        Route::Connections(_) => Route::ImportConnection(x()),
        Route::ImportConnection(_) => Route::Connection(x(), id()),
        Route::Connection(..) => action(ConnectionAction::Activate),
        Route::ConnectionAction(.., ConnectionAction::Activate) => {
            action(ConnectionAction::Disable)
        }
        Route::ConnectionAction(.., ConnectionAction::Disable) => action(ConnectionAction::Export),
        Route::ConnectionAction(.., ConnectionAction::Export) => Route::ConnectionHealth(x(), id()),
        Route::ConnectionHealth(..) => Route::ConnectionTest(x(), id()),
        Route::ConnectionTest(..) => Route::Secrets(x(), id()),
        Route::Secrets(..) => Route::Secret(x(), id(), id()),
        Route::Secret(..) => Route::Trusts(x(), id()),
        Route::Trusts(..) => Route::Trust(x(), id(), id()),
        Route::Trust(..) => Route::Token(x()),
        Route::Token(_) => Route::KeySet(x()),
        Route::KeySet(_) => Route::AccessDecision(x(), id(), AccessAction::Suspend),
        Route::AccessDecision(.., AccessAction::Suspend) => {
            Route::AccessDecision(x(), id(), AccessAction::Restore)
        }
        Route::AccessDecision(.., AccessAction::Restore) => {
            Route::LinkDecision(x(), id(), LinkAction::Link)
        }
        Route::LinkDecision(.., LinkAction::Link) => {
            Route::LinkDecision(x(), id(), LinkAction::Unlink)
        }
        Route::LinkDecision(.., LinkAction::Unlink) => {
            Route::AccessDecisions(x(), AccessAction::Suspend)
        }
        Route::AccessDecisions(_, AccessAction::Suspend) => {
            Route::AccessDecisions(x(), AccessAction::Restore)
        }
        Route::AccessDecisions(..) => Route::Requests(x()),
        Route::Requests(_) => Route::Streams(x()),
        Route::Streams(_) => Route::Stream(x(), id()),
        Route::Stream(..) => stream(StreamAction::Test),
        Route::StreamAction(.., StreamAction::Test) => stream(StreamAction::Replay),
        Route::StreamAction(.., StreamAction::Replay) => stream(StreamAction::RotateSecret),
        Route::StreamAction(.., StreamAction::RotateSecret) => stream(StreamAction::Deliveries),
        Route::StreamAction(.., StreamAction::Deliveries) => stream(StreamAction::Changes),
        Route::StreamAction(.., StreamAction::Changes) => stream(StreamAction::Poll),
        Route::StreamAction(..) => Route::Export(x()),
        Route::Export(_) => Route::Import(x()),
        Route::Import(_) => Route::Imports(x()),
        Route::Imports(_) => Route::UserImport(x(), id()),
        Route::UserImport(..) => Route::Matches(x()),
        Route::Matches(_) => Route::MatchDecision(x(), id(), MatchAction::Accept),
        Route::MatchDecision(.., MatchAction::Accept) => {
            Route::MatchDecision(x(), id(), MatchAction::Reject)
        }
        Route::MatchDecision(.., MatchAction::Reject) => Route::Events(x()),
        Route::Events(_) => Route::Snapshot(x()),
        Route::Snapshot(_) => Route::Policies(x()),
        route => after_events(route)?,
    })
}

/// The same behind [`Route::Events`].
fn after_events(route: &Route) -> Option<Route> {
    let (x, id) = (|| Slug::parse("x").unwrap(), || "x".to_owned());
    Some(match route {
        Route::Policies(_) => Route::PolicyPart(x(), PolicyPart::Mappings),
        Route::PolicyPart(_, PolicyPart::Mappings) => Route::PolicyPart(x(), PolicyPart::Roles),
        Route::PolicyPart(_, PolicyPart::Roles) => {
            Route::PolicyPart(x(), PolicyPart::AttributeMaps)
        }
        Route::PolicyPart(_, PolicyPart::AttributeMaps) => Route::MappingDiagnostics(x(), id()),
        Route::MappingDiagnostics(..) => Route::Drift(x()),
        Route::Drift(_) => Route::Recompute(x()),
        Route::Recompute(_) => Route::Access(x()),
        Route::Access(_) => Route::UserAccess(x(), id()),
        Route::UserAccess(..) => Route::UserTimeline(x(), id()),
        Route::UserTimeline(..) => Route::UserGrants(x(), id()),
        Route::UserGrants(..) => Route::UserChanges(x(), id()),
        Route::UserChanges(..) => Route::Changes(x()),
        Route::Changes(_) => Route::ChangesDecision(x(), ChangeAction::Approve),
        Route::ChangesDecision(_, ChangeAction::Approve) => {
            Route::ChangesDecision(x(), ChangeAction::Reject)
        }
        Route::ChangesDecision(..) => Route::ChangeDecision(x(), id(), ChangeAction::Approve),
        Route::ChangeDecision(.., ChangeAction::Approve) => {
            Route::ChangeDecision(x(), id(), ChangeAction::Reject)
        }
        Route::ChangeDecision(.., ChangeAction::Reject) => {
            Route::ChangeDecision(x(), id(), ChangeAction::Retry)
        }
        Route::ChangeDecision(.., ChangeAction::Retry) => Route::Schemas(x()),
        Route::Schemas(_) => Route::Schema(x(), id()),
        Route::Schema(..) => Route::OpenApi,
        Route::OpenApi => Route::Presets,
        Route::Presets => Route::Preset(id()),
        Route::Preset(_) => scim(ScimTarget::ServiceProviderConfig),
        Route::Scim { target, .. } => scim(after_target(target)?),
        _ => return None,
    })
}

fn stream(action: StreamAction) -> Route {
    Route::StreamAction(Slug::parse("x").unwrap(), "x".to_owned(), action)
}

fn action(action: ConnectionAction) -> Route {
    Route::ConnectionAction(Slug::parse("x").unwrap(), "x".to_owned(), action)
}

fn scim(target: ScimTarget) -> Route {
    Route::Scim { tenant: Slug::parse("x").unwrap(), base: "/t/x/scim/v2".to_owned(), target }
}

pub(crate) fn after_target(target: &ScimTarget) -> Option<ScimTarget> {
    use ScimTarget as Target;
    let id = || "x".to_owned();
    Some(match target {
        Target::ServiceProviderConfig => Target::ResourceTypes,
        Target::ResourceTypes => Target::ResourceType(id()),
        Target::ResourceType(_) => Target::Schemas,
        Target::Schemas => Target::Schema(id()),
        Target::Schema(_) => Target::Collection(1),
        Target::Collection(number) => Target::Resource(*number, id()),
        Target::Resource(number, _) => Target::Search(Some(*number)),
        Target::Search(Some(number)) => {
            let next = number + 1;
            let there = Registry::whole().type_numbered(next).is_some();
            if there { Target::Collection(next) } else { Target::Search(None) }
        }
        Target::Search(None) => Target::Bulk,
        Target::Bulk => Target::Async(id()),
        Target::Async(_) => Target::Me,
        Target::Me => return None,
    })
}

/// The problem that follows one: a new code asks for its place here.
pub(crate) fn after_code(code: ProblemCode) -> Option<ProblemCode> {
    use ProblemCode as Code;
    Some(match code {
        Code::Malformed => Code::Unauthorized,
        Code::Unauthorized => Code::InsufficientScope,
        Code::InsufficientScope => Code::TenantSuspended,
        Code::TenantSuspended => Code::ConnectionDisabled,
        Code::ConnectionDisabled => Code::NotFound,
        Code::NotFound => Code::MethodNotAllowed,
        Code::MethodNotAllowed => Code::Conflict,
        Code::Conflict => Code::Gone,
        Code::Gone => Code::PreconditionFailed,
        Code::PreconditionFailed => Code::PayloadTooLarge,
        Code::PayloadTooLarge => Code::UriTooLong,
        Code::UriTooLong => Code::UnsupportedMediaType,
        Code::UnsupportedMediaType => Code::TooManyRequests,
        Code::TooManyRequests => Code::Contradictory,
        Code::Contradictory => Code::GroupSourceConflict,
        Code::GroupSourceConflict => Code::Faulty,
        Code::Faulty => Code::Internal,
        Code::Internal => Code::Unavailable,
        Code::Unavailable => return None,
    })
}

/// The error that follows one: a new kind asks for its place here.
pub(crate) fn after_kind(kind: ErrorKind) -> Option<ErrorKind> {
    use ErrorKind as Kind;
    Some(match kind {
        Kind::InvalidFilter => Kind::TooMany,
        Kind::TooMany => Kind::Uniqueness,
        Kind::Uniqueness => Kind::Mutability,
        Kind::Mutability => Kind::InvalidSyntax,
        Kind::InvalidSyntax => Kind::InvalidPath,
        Kind::InvalidPath => Kind::NoTarget,
        Kind::NoTarget => Kind::InvalidValue,
        Kind::InvalidValue => Kind::InvalidVers,
        Kind::InvalidVers => Kind::Sensitive,
        Kind::Sensitive => Kind::InvalidCursor,
        Kind::InvalidCursor => Kind::ExpiredCursor,
        Kind::ExpiredCursor => Kind::InvalidCount,
        Kind::InvalidCount => Kind::BadRequest,
        Kind::BadRequest => Kind::Unauthorized,
        Kind::Unauthorized => Kind::Forbidden,
        Kind::Forbidden => Kind::NotFound,
        Kind::NotFound => Kind::MethodNotAllowed,
        Kind::MethodNotAllowed => Kind::Conflict,
        Kind::Conflict => Kind::PreconditionFailed,
        Kind::PreconditionFailed => Kind::PayloadTooLarge,
        Kind::PayloadTooLarge => Kind::UriTooLong,
        Kind::UriTooLong => Kind::UnsupportedMediaType,
        Kind::UnsupportedMediaType => Kind::PreconditionRequired,
        Kind::PreconditionRequired => Kind::TooManyRequests,
        Kind::TooManyRequests => Kind::Internal,
        Kind::Internal => Kind::NotImplemented,
        Kind::NotImplemented => Kind::Unavailable,
        Kind::Unavailable => return None,
    })
}
