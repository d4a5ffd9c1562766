//! `GET /v1/presets` and `GET /v1/presets/{p}`: what a connection can choose.
//!
//! The same for every tenant, and known before any is asked: the edge answers by itself, to any key
//! whose signature holds. Whether the key has been revoked since, its tenant alone knows.

use serde_json::{Value, json};

use super::query::is_slug;
use super::{Problem, ProblemCode, Query, Response, Route};
use crate::scim::compat::{PRESETS, Preset};

/// Answers a request for presets: 200, 404 for one that there is not, 400 for a `limit` that is no
/// number and a `cursor` that is no id.
pub fn presets(route: &Route, query: &Query) -> Response {
    let answer = match route {
        Route::Preset(id) => {
            Preset::of(id).map(described).ok_or_else(|| ProblemCode::NotFound.into())
        }
        Route::Presets => page(query),
        _ => Err(ProblemCode::NotFound.into()),
    };
    match answer {
        Ok(shown) => Response::json(200, &shown),
        Err(problem) => Response::problem(&problem),
    }
}

fn page(query: &Query) -> Result<Value, Problem> {
    query.page(PRESETS.iter().map(|preset| (preset.id, preset)), is_slug, described)
}

fn described(preset: &Preset) -> Value {
    let mappings = preset.mappings().iter();
    let mappings = mappings.map(
        |one| json!({ "attribute": one.attribute, "source": one.source, "byHand": one.by_hand }),
    );
    json!({
        "id": preset.id,
        "displayName": preset.display_name,
        "support": preset.support.name(),
        "notes": preset.notes,
        "compat": preset.compat.to_json(),
        "mappings": mappings.collect::<Vec<_>>(),
    })
}
