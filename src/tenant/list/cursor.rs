//! Cursors (RFC 9865): where a walk stands, as the client carries it.
//!
//! A cursor holds positions and digests, and nothing that a person is known by. Its tag binds it to
//! the tenant, the asking key, the endpoint, the filter and the order, so that it is of use to
//! nobody else and for nothing else.

use base64ct::{Base64UrlUnpadded, Encoding as _};

use super::query::ListQuery;
use crate::auth::TAG_BYTES;
use crate::limits;
use crate::scim::sort::SortValue;
use crate::scim::{ErrorKind, ScimError};
use crate::store::{Pos, StoreError};
use crate::tenant::work::{Failure, Work};

/// What the tags of cursors are for.
const CURSOR: &str = "muster cursor 1";
/// What the tags of the values are for by which a list is sorted.
const VALUE: &str = "muster sort value 1";

/// A page's place: behind or in front of some resources.
#[derive(Debug)]
pub(super) struct Cursor {
    pub(super) direction: Direction,
    /// The nearest first; of none, the page is at the list's end on their side.
    pub(super) anchors: Vec<Anchor>,
}

/// To which side of its anchors a page lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Direction {
    /// `nextCursor`.
    Behind,
    /// `previousCursor`.
    InFront,
}

/// One resource that was shown, by which a walk finds its place again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Anchor {
    pub(super) pos: Pos,
    /// The beginning of the tag of the value by which it was sorted; zeros in an unsorted list.
    digest: [u8; DIGEST_BYTES],
}

const DIGEST_BYTES: usize = 8;
const EXPIRY_BYTES: usize = 8;
const ANCHOR_BYTES: usize = 8 + DIGEST_BYTES;

impl Work<'_, '_> {
    /// A cursor as the client carries it.
    pub(super) fn encode_cursor(
        &self,
        cursor: &Cursor,
        number: Option<u8>,
        query: &ListQuery,
    ) -> Result<String, StoreError> {
        let expires = self.now().timestamp().saturating_add(limits::CURSOR_TTL_SECONDS);
        let mut bytes = expires.to_be_bytes().to_vec();
        bytes.push(cursor.direction.byte());
        for Anchor { pos, digest } in &cursor.anchors {
            bytes.extend(pos.value().to_be_bytes());
            bytes.extend(digest);
        }
        let tag =
            self.with_purpose(number, query, &bytes, |parts| self.call.key_ring.tag(CURSOR, parts));
        bytes.extend(tag.ok_or_else(|| StoreError::new("no secret signs a cursor"))?);
        Ok(Base64UrlUnpadded::encode_string(&bytes))
    }

    /// Reads a cursor that was given to this client for this list, and lately; an empty one is at the
    /// list's start.
    pub(super) fn decode_cursor(
        &self,
        cursor: &str,
        number: Option<u8>,
        query: &ListQuery,
    ) -> Result<Cursor, Failure> {
        if cursor.is_empty() {
            return Ok(Cursor { direction: Direction::Behind, anchors: Vec::new() });
        }
        let invalid = || ScimError::from(ErrorKind::InvalidCursor);
        let text = Some(cursor).filter(|text| text.len() <= limits::CURSOR_CHARACTERS);
        let bytes = text.and_then(|text| Base64UrlUnpadded::decode_vec(text).ok());
        let bytes = bytes.ok_or_else(invalid)?;
        let (signed, tag) = bytes.split_last_chunk::<TAG_BYTES>().ok_or_else(invalid)?;
        let is_ours = self.with_purpose(number, query, signed, |parts| {
            self.call.key_ring.has_tag(CURSOR, parts, tag)
        });
        let (expires, rest) = signed.split_first_chunk::<EXPIRY_BYTES>().ok_or_else(invalid)?;
        if !is_ours {
            return Err(invalid().into());
        }
        if i64::from_be_bytes(*expires) <= self.now().timestamp() {
            return Err(ErrorKind::ExpiredCursor.into());
        }
        Ok(Cursor::decode(rest).ok_or_else(invalid)?)
    }

    /// An anchor at a resource, with the value by which it was sorted.
    pub(super) fn anchor(&self, pos: Pos, value: Option<&SortValue>) -> Anchor {
        let (place, value) = anchored(pos, value);
        let tag = self.call.key_ring.tag(VALUE, &[&place, value.as_bytes()]);
        let digest = tag.and_then(|tag| tag.first_chunk::<DIGEST_BYTES>().copied());
        Anchor { pos, digest: digest.unwrap_or_default() }
    }

    /// Whether an anchor's resource still has the value by which it was sorted.
    pub(super) fn is_anchored(&self, anchor: &Anchor, value: Option<&SortValue>) -> bool {
        let (place, value) = anchored(anchor.pos, value);
        self.call.key_ring.has_tag(VALUE, &[&place, value.as_bytes()], &anchor.digest)
    }

    /// Does something with all that the tag of a cursor is over.
    fn with_purpose<T>(
        &self,
        number: Option<u8>,
        query: &ListQuery,
        signed: &[u8],
        tag: impl FnOnce(&[&[u8]]) -> T,
    ) -> T {
        let tenant = self.request().route.tenant().map_or("", |tenant| tenant.as_str());
        let filter = query.filter.as_ref().map(ToString::to_string).unwrap_or_default();
        let sort = query.sort.as_ref().map(ToString::to_string).unwrap_or_default();
        tag(&[
            tenant.as_bytes(),
            self.call.principal.actor().as_bytes(),
            number.as_slice(),
            filter.as_bytes(),
            sort.as_bytes(),
            signed,
        ])
    }
}

impl Cursor {
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (direction, anchors) = bytes.split_first()?;
        let directions = [Direction::Behind, Direction::InFront];
        Some(Self {
            direction: directions.into_iter().find(|one| one.byte() == *direction)?,
            anchors: anchors.chunks(ANCHOR_BYTES).map(Anchor::decode).collect::<Option<_>>()?,
        })
    }
}

impl Direction {
    const fn byte(self) -> u8 {
        match self {
            Self::Behind => 0,
            Self::InFront => 1,
        }
    }
}

impl Anchor {
    /// An anchor in a list that is in the order of creation.
    pub(super) const fn unsorted(pos: Pos) -> Self {
        Self { pos, digest: [0; DIGEST_BYTES] }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (pos, digest) = bytes.split_first_chunk()?;
        Some(Self { pos: Pos::stored(i64::from_be_bytes(*pos)), digest: digest.try_into().ok()? })
    }
}

/// What an anchor's digest is over: equal texts for equal values of one resource.
fn anchored(pos: Pos, value: Option<&SortValue>) -> ([u8; 8], String) {
    (pos.value().to_be_bytes(), format!("{value:?}"))
}
