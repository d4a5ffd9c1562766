//! Signs that nobody sees.

/// Whether a sign is one that nobody sees and that no name needs: a space without a width, one that only
/// says in which order others stand, or a mark of a text's encoding. What scripts and pictures are joined
/// by, U+200C and U+200D, is none.
pub const fn is_invisible(sign: char) -> bool {
    matches!(
        sign,
        '\u{200B}' | '\u{202A}'..='\u{202E}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
    )
}
