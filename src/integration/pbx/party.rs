//! Reads the numbers of a call: who calls, what was dialled.

use std::borrow::Cow;

use crate::core::call::DialledNumber;
use crate::core::phone_number::PhoneNumber;

/// What networks send in place of a withheld number. `266696687` spells ANONYMOUS on a keypad.
const WITHHELD: [&str; 8] =
    ["anonymous", "restricted", "unavailable", "unknown", "private", "withheld", "+266696687", "266696687"];

/// The caller; none when withheld or unreadable.
pub(super) fn caller(text: &str, default_region: &str) -> Option<PhoneNumber> {
    let number = user_part(text);
    if WITHHELD.iter().any(|word| number.eq_ignore_ascii_case(word)) {
        return None;
    }
    PhoneNumber::parse(&number, default_region).ok()
}

/// The number that was dialled.
pub(super) fn called(text: &str, default_region: &str) -> DialledNumber {
    DialledNumber::read(&user_part(text), default_region)
}

/// The user of a SIP or tel URI (RFC 3261, RFC 3966), also inside a whole header value; anything else as it is.
fn user_part(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    let inside = text.split_once('<').map_or(text, |(_, rest)| rest.split('>').next().unwrap_or(rest));
    let begins = |scheme: &&str| inside.get(..scheme.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(scheme));
    let Some(scheme) = ["sip:", "sips:", "tel:"].into_iter().find(begins) else {
        return Cow::Borrowed(text);
    };
    let user = inside.get(scheme.len()..).unwrap_or_default();
    let user = user.split(['@', ';', '?']).next().unwrap_or_default();
    match user.contains('%') {
        true => Cow::Owned(user.replace("%2B", "+").replace("%2b", "+")),
        false => Cow::Borrowed(user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spellings from RFC 3261 section 20 and RFC 3966 section 3; numbers of the fictitious range.
    #[test]
    fn uris_and_header_values_are_read() {
        for text in
            ["sip:+79161234567@pbx.example", "\"Anna\" <sip:79161234567@10.0.0.1:5060;user=phone>;tag=x", "tel:+7-916-123-45-67"]
        {
            assert_eq!(caller(text, "RU").unwrap().expose(), "+79161234567", "{text}");
        }
        assert_eq!(called("<sip:101@pbx>", "RU").as_str(), "101");
    }

    #[test]
    fn withheld_numbers_are_nobody() {
        for text in ["anonymous", "Anonymous", "", "+266696687", "sip:anonymous@anonymous.invalid", "<sip:Restricted@pbx>"] {
            assert_eq!(caller(text, "RU"), None, "{text}");
        }
    }
}
