//! What is forgiven of a client beyond the RFCs, as a value.
//!
//! A deviation that costs a conforming client nothing is accepted from everyone and is not here.

/// The rules that differ between clients.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Compat {
    /// Comparison values without quotes in filters: `externalId eq jyoung`.
    pub unquoted_filter_values: bool,
    /// Attributes that no schema knows are dropped, and the rest is applied; otherwise they are 400.
    pub unknown_attributes: bool,
    /// Texts such as `"True"` stand for a boolean, `"42"` for a number.
    pub text_for_other_types: bool,
    /// One value stands for a list of one, and a list of one for a single value.
    pub single_for_list: bool,
    /// A PATCH of a value that its path describes and that is not there creates it; otherwise
    /// replacing it is 400 `noTarget`.
    pub create_described_values: bool,
    /// A member may be named by other than its id, and one that no resource is, is kept as it was
    /// sent and grants nothing until there is one of that name; otherwise it is 400.
    pub dangling_members: bool,
    /// Every PATCH is answered 204, without the resource.
    pub minimal_patch_answers: bool,
}

/// A set of rules under the name by which a connection chooses it.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name.
    pub name: &'static str,
    /// The rules.
    pub compat: Compat,
}

/// The presets that a connection may have.
pub const PRESETS: [Preset; 4] = [
    Preset { name: "generic", compat: Compat::GENERIC },
    Preset {
        name: "entra",
        compat: Compat { dangling_members: true, minimal_patch_answers: true, ..Compat::GENERIC },
    },
    Preset { name: "onelogin", compat: Compat { dangling_members: true, ..Compat::GENERIC } },
    Preset { name: "strict", compat: Compat::STRICT },
];

impl Compat {
    /// The lenient preset: accepts every shape that an identity provider is known to send.
    pub const GENERIC: Self = Self {
        unquoted_filter_values: true,
        unknown_attributes: true,
        text_for_other_types: true,
        single_for_list: true,
        create_described_values: true,
        dangling_members: false,
        minimal_patch_answers: false,
    };
    /// The RFCs and nothing else.
    pub const STRICT: Self = Self {
        unquoted_filter_values: false,
        unknown_attributes: false,
        text_for_other_types: false,
        single_for_list: false,
        create_described_values: false,
        dangling_members: false,
        minimal_patch_answers: false,
    };

    /// The rules of a preset.
    pub fn preset(name: &str) -> Option<Self> {
        PRESETS.iter().find(|preset| preset.name == name).map(|preset| preset.compat)
    }
}
