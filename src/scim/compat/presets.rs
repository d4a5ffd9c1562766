//! The presets, as a table: what is known of each identity provider, and the rules it gets.
//!
//! Nothing else in the code knows an identity provider's name.

use super::{Compat, PatchResponse};

/// Rules under the id by which a connection chooses them.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The id.
    pub id: &'static str,
    /// The name for people.
    pub display_name: &'static str,
    /// What the rules rest on.
    pub support: Support,
    /// What an administrator should know.
    pub notes: &'static str,
    /// The rules.
    pub compat: Compat,
}

/// What a preset rests on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Support {
    /// Requests from traces or from the vendor's own examples, which tests replay.
    Tested,
    /// Documentation and reports only.
    Generic,
}

/// All presets, in the order of their ids.
pub const PRESETS: [Preset; 10] = [
    Preset {
        id: "entra",
        display_name: "Microsoft Entra ID",
        support: Support::Tested,
        notes: "Takes both dialects, with and without ?aadOptscim062020, also mixed. Members that \
                have not been provisioned yet are kept as sent, and every PATCH is answered 204.",
        compat: Compat {
            dangling_members: true,
            patch_response: PatchResponse::Minimal,
            ..Compat::GENERIC
        },
    },
    Preset {
        id: "generic",
        display_name: "Any SCIM client",
        support: Support::Generic,
        notes: "Accepts every shape that some provider is known to send and that means nothing \
                else to a client that follows the RFCs. Keys without a connection have these rules.",
        compat: Compat::GENERIC,
    },
    Preset {
        id: "google",
        display_name: "Google Workspace",
        support: Support::Tested,
        notes: "Names the schema of SCIM 1.0 beside that of 2.0; of its requests, look-ups and \
                this are all that is known from traces. It deletes up to three weeks after it \
                suspends, or without having suspended.",
        compat: Compat::GENERIC,
    },
    Preset {
        id: "jumpcloud",
        display_name: "JumpCloud",
        support: Support::Tested,
        notes: "Adds members by value only and removes them as a list in a value, both as meant. \
                Activating it makes and deletes a user and a group for a test.",
        compat: Compat::GENERIC,
    },
    Preset {
        id: "okta",
        display_name: "Okta",
        support: Support::Tested,
        notes: "Apps of the integration wizard write everything by PUT, those of the catalogue \
                patch groups and activation; both work, also side by side. It deactivates users \
                and never deletes them.",
        compat: Compat::GENERIC,
    },
    Preset {
        id: "onelogin",
        display_name: "OneLogin",
        support: Support::Generic,
        notes: "What it sends is a template that its administrator edits, so single objects for \
                lists, texts for booleans and SCIM 1.x names are all taken. Members that are not \
                known yet are kept as sent, and of addresses without a primary one the first is it.",
        compat: Compat { dangling_members: true, first_email_primary: true, ..Compat::GENERIC },
    },
    Preset {
        id: "pingone",
        display_name: "PingOne and PingFederate",
        support: Support::Generic,
        notes: "Looks users up with filters whose values have no quotes, and with operators in any \
                case. Its request bodies have not been seen.",
        compat: Compat::GENERIC,
    },
    Preset {
        id: "rippling",
        display_name: "Rippling",
        support: Support::Generic,
        notes: "Edits groups by PATCH if it is told to, else by PUT. It is said to repeat a POST \
                of what is there already.",
        compat: Compat::GENERIC,
    },
    Preset {
        id: "sailpoint",
        display_name: "SailPoint",
        support: Support::Tested,
        notes: "Reads the service's configuration, types and schemas first, then aggregates page \
                by page, partitioned by `sw` filters. It writes by PATCH, or by PUT if configured.",
        compat: Compat::GENERIC,
    },
    Preset {
        id: "strict",
        display_name: "The RFCs and nothing else",
        support: Support::Generic,
        notes: "Whatever RFC 7643 and RFC 7644 do not allow is refused with the error that they \
                specify. For clients under development, rather than for identity providers.",
        compat: Compat::STRICT,
    },
];

impl Preset {
    /// The preset of an id.
    pub fn of(id: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.id == id)
    }
}

impl Support {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tested => "tested",
            Self::Generic => "generic",
        }
    }
}
