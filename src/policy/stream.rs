//! What a stream is: how it hands events over, of which types they are, and how they are signed.

use crate::limits;

/// How events are handed over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StreamKind {
    /// A POST of each event, by Standard Webhooks.
    Webhook,
    /// A POST of a security event token of each (RFC 8935).
    SetPush,
    /// Security event tokens, for which the receiver asks (RFC 8936).
    SetPoll,
}

/// How a message is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Signature {
    /// HMAC-SHA-256.
    V1,
    /// Ed25519.
    V1a,
    /// ECDSA with P-256 and SHA-256, as security event tokens are.
    Es256,
}

/// Which types of events a stream takes: each a type, or the beginning of types (`user.*`). All of them
/// where there are none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Types(Vec<String>);

/// Which types a stream took before, in the form in which rows hold them, each up to a place in the log.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FormerTypes(Vec<(i64, String)>);

impl StreamKind {
    /// The kind of a name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Webhook, Self::SetPush, Self::SetPoll].into_iter().find(|one| one.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::SetPush => "setPush",
            Self::SetPoll => "setPoll",
        }
    }

    /// How its messages are signed, unless something else is chosen.
    pub const fn signature(self) -> Signature {
        match self {
            Self::Webhook => Signature::V1,
            Self::SetPush | Self::SetPoll => Signature::Es256,
        }
    }

    /// Whether its messages may be signed so.
    pub fn takes(self, signature: Signature) -> bool {
        (self == Self::Webhook) == (signature != Signature::Es256)
    }
}

impl Signature {
    /// The signature of a name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::V1, Self::V1a, Self::Es256].into_iter().find(|one| one.name() == name)
    }

    /// Its name, as the header of a message has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1a => "v1a",
            Self::Es256 => "ES256",
        }
    }
}

impl Types {
    /// These types, or families of them; none are all.
    pub fn of(names: &[&str]) -> Self {
        Self(names.iter().map(|name| (*name).to_owned()).collect())
    }

    /// What a row holds, spaces between them.
    pub fn stored(text: &str) -> Self {
        Self(text.split_ascii_whitespace().map(str::to_owned).collect())
    }

    /// The form in which a row holds them.
    pub fn to_stored(&self) -> String {
        self.0.join(" ")
    }

    /// They, one by one.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Whether an event of a type is among them.
    pub fn take(&self, kind: &str) -> bool {
        let is_meant = |one: &String| match one.strip_suffix('*') {
            Some(family) => kind.starts_with(family),
            None => kind == one,
        };
        self.0.is_empty() || self.0.iter().any(is_meant)
    }
}

impl FormerTypes {
    /// What a row holds, a line for each.
    pub fn stored(text: &str) -> Self {
        let read = |line: &str| {
            let (until, types) = line.split_once(' ')?;
            Some((until.parse().ok()?, types.to_owned()))
        };
        Self(text.lines().filter_map(read).collect())
    }

    /// The form in which a row holds them.
    pub fn to_stored(&self) -> String {
        self.0.iter().map(|(until, types)| format!("{until} {types}\n")).collect()
    }

    /// Whether an event was among those that the stream took when it came to it, if that is now.
    pub fn took(&self, seq: i64, kind: &str) -> bool {
        let then = self.0.iter().find(|(until, _)| seq <= *until);
        then.is_none_or(|(_, types)| Types::stored(types).take(kind))
    }

    /// Notes what the stream has taken up to a place. Above [`limits::FORMER_TYPES`] the first is
    /// forgotten: up to which place that was.
    pub fn add(&mut self, until: i64, types: &str) -> Option<i64> {
        match self.0.last_mut() {
            Some((last, _)) if *last >= until => return None,
            Some((last, known)) if known == types => *last = until,
            _ => self.0.push((until, types.to_owned())),
        }
        (self.0.len() > limits::FORMER_TYPES).then(|| self.0.remove(0).0)
    }

    /// Forgets what was behind a place, from which on all is handed over anew.
    pub fn cut(&mut self, after: i64) {
        let before = self.0.partition_point(|(until, _)| *until < after);
        self.0.truncate(before.saturating_add(1));
        if let Some((until, _)) = self.0.get_mut(before) {
            *until = after;
        }
    }
}
