//! What identity providers send, walked against a tenant in this process.

use std::collections::BTreeMap;

use crate::scenario::{Reply, Server, walk};
use crate::support::Acme;

/// A tenant whose client's PATCHes must all be answered 204.
struct Minimal(Acme);

impl Server for Minimal {
    fn base(&self) -> String {
        self.0.base()
    }

    fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &BTreeMap<String, String>,
        body: &[u8],
    ) -> Reply {
        let reply = self.0.send(method, path, headers, body);
        if method == "PATCH" && reply.status < 300 {
            assert_eq!((reply.status, reply.body.len()), (204, 0), "{method} {path}");
        }
        reply
    }

    fn client(&mut self) -> (String, String) {
        self.0.client()
    }

    fn request_token(&mut self, headers: &BTreeMap<String, String>, body: &[u8]) -> Reply {
        self.0.request_token(headers, body)
    }
}

#[test]
fn every_recorded_shape_gets_its_answer_from_a_connection_of_its_preset() {
    walk(|_, _| true, Acme::connected);
}

#[test]
fn every_recorded_shape_gets_its_answer_without_a_connection() {
    walk(|_, keeps_unknown_members| !keeps_unknown_members, |_| Acme::new());
}

#[test]
fn every_patch_of_entra_is_answered_204() {
    walk(|preset, _| preset == "entra", |preset| Minimal(Acme::connected(preset)));
}
