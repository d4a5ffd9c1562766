//! Signs that nobody sees and no name needs.

/// Whether a sign is one of them: a space or a hyphen without a width, an operator between the signs of a
/// formula, an embedding, override or isolate of another direction, or a mark of a text's encoding. What
/// scripts and pictures are joined by, U+200C and U+200D, is none, nor are the marks of a direction, U+200E
/// and U+200F, which names of two scripts are written with.
pub const fn is_invisible(sign: char) -> bool {
    matches!(
        sign,
        '\u{AD}'
            | '\u{200B}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}'
            | '\u{FEFF}'
    )
}
