//! What identity providers call the attributes that they send: a table to copy into their consoles.

use super::Preset;

/// An attribute as this server knows it, and where the provider takes its value from by default.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Mapping {
    /// The attribute's path.
    pub attribute: &'static str,
    /// The provider's name for the source, or its expression.
    pub source: &'static str,
    /// Whether the provider does not map it by itself, so that an administrator adds it.
    pub by_hand: bool,
}

const fn of(attribute: &'static str, source: &'static str) -> Mapping {
    Mapping { attribute, source, by_hand: false }
}

const fn added(attribute: &'static str, source: &'static str) -> Mapping {
    Mapping { attribute, source, by_hand: true }
}

const ENTRA: [Mapping; 20] = [
    of("userName", "userPrincipalName"),
    of("active", r#"Switch([IsSoftDeleted], , "False", "True", "True", "False")"#),
    added("externalId", "objectId"),
    of("displayName", "displayName"),
    added("title", "jobTitle"),
    of("preferredLanguage", "preferredLanguage"),
    of("name.givenName", "givenName"),
    of("name.familyName", "surname"),
    of("name.formatted", r#"Join(" ", [givenName], [surname])"#),
    of(r#"emails[type eq "work"].value"#, "mail"),
    of(r#"phoneNumbers[type eq "work"].value"#, "telephoneNumber"),
    of(r#"phoneNumbers[type eq "mobile"].value"#, "mobile"),
    of(r#"addresses[type eq "work"].streetAddress"#, "streetAddress"),
    of(r#"addresses[type eq "work"].locality"#, "city"),
    of(r#"addresses[type eq "work"].region"#, "state"),
    of(r#"addresses[type eq "work"].postalCode"#, "postalCode"),
    of(r#"addresses[type eq "work"].country"#, "country"),
    of("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber", "employeeId"),
    of("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "department"),
    added("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "manager"),
];

const OKTA: [Mapping; 8] = [
    of("userName", "user.login"),
    of("name.givenName", "user.firstName"),
    of("name.familyName", "user.lastName"),
    of("displayName", "user.displayName"),
    of("title", "user.title"),
    of(r#"emails[type eq "work"].value"#, "user.email"),
    of(
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber",
        "user.employeeNumber",
    ),
    of("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "user.department"),
];

impl Preset {
    /// The mappings of users that an administrator may copy; none where the provider has its own.
    pub fn mappings(&self) -> &'static [Mapping] {
        match self.id {
            "entra" => &ENTRA,
            "okta" => &OKTA,
            _ => &[],
        }
    }
}
