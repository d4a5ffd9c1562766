//! What identity providers send, walked against a tenant in this process.

use crate::scenario::scenarios;
use crate::support::Acme;

#[test]
fn every_recorded_shape_gets_its_answer() {
    let scenarios = scenarios();
    assert!(scenarios.len() > 40, "the vectors are there");
    let faults: Vec<String> = scenarios
        .iter()
        .flat_map(|(file, scenario)| {
            let faults = scenario.walk(&mut Acme::new());
            faults.into_iter().map(move |fault| format!("{}: {fault}", file.display()))
        })
        .collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
