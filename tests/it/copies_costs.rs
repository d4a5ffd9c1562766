//! What copies for the edge cost, in statements that write.

use serde_json::json;

use crate::costs::{check, check_plan, given};
use crate::steps::patch_op;

/// The writes among statements.
fn writes(statements: &[String]) -> usize {
    let is_write = |statement: &&String| !statement.starts_with("SELECT");
    statements.iter().filter(is_write).count()
}

/// A request pays nothing for edge reads; the step behind it writes one row for its place in the log, and
/// one more for a user who is new, two for one who has another name.
#[test]
fn copies_cost_a_row_a_step_and_a_row_a_name() {
    let (mut acme, ada, _) = given();
    let user = format!("/Users/{ada}");
    let replace = |path: &str, value: &str| {
        patch_op(&json!([{ "op": "replace", "path": path, "value": value }]))
    };
    let changes = |round: usize| {
        let bob = json!({ "userName": format!("bob{round}") });
        [
            ("POST", "/Users".to_owned(), bob, 2),
            ("PATCH", user.clone(), replace("title", &format!("t{round}")), 1),
            ("PATCH", user.clone(), replace("userName", &format!("eve{round}")), 3),
        ]
    };
    let mut without = Vec::new();
    for (method, path, body, _) in changes(0) {
        without.push(check(&mut acme, method, &path, &body, 10).len());
    }
    acme.edge_reads(true);
    acme.settle();
    for ((method, path, body, written), without) in changes(1).into_iter().zip(without) {
        let with = check(&mut acme, method, &path, &body, 10);
        assert_eq!(with.len(), without, "{method} {path}: {with:#?}");
        acme.wait(2);
        acme.copy(acme.now);
        let step = acme.sql.statements();
        assert_eq!(writes(&step), written, "{method} {path}: {step:#?}");
        assert!(step.len() <= 14, "{method} {path}: {step:#?}");
        for statement in step {
            check_plan(&acme, &statement);
        }
    }
}
