//! Phone numbers: E.164 inside, whatever came in; masked wherever they are printed.
//!
//! The only module that knows the phone number library. Input comes from strangers: nothing here may panic.

use std::fmt;
use std::sync::Arc;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType};

/// A phone number in E.164 form (`+79161234567`). `Display` and `Debug` mask it; [`PhoneNumber::expose`] shows it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneNumber(Arc<str>);

/// Why a text is no phone number. It does not repeat the text, which may be personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a phone number for region {region}: write it as +<country><number>, 8 to 15 digits")]
pub struct NotAPhoneNumber {
    /// The region (ISO 3166 alpha-2) by which a national number was read.
    pub region: String,
}

impl PhoneNumber {
    /// Reads `text` as a phone number. International form needs no region; anything else is read as a national number
    /// of `default_region` (ISO 3166 alpha-2). Digits that only make sense with a `+` in front (`79161234567`, as many
    /// PBXs write them) are read so.
    pub fn parse(text: &str, default_region: &str) -> Result<Self, NotAPhoneNumber> {
        let trimmed = text.trim();
        if is_e164(trimmed) {
            return Ok(Self(trimmed.into()));
        }
        let refuse = || NotAPhoneNumber { region: default_region.to_owned() };
        if trimmed.len() > 40 || trimmed.chars().filter(char::is_ascii_digit).count() < 5 {
            return Err(refuse());
        }
        let with_plus = format!("+{trimmed}");
        let readings = [(trimmed, Some(default_region)), (with_plus.as_str(), None)];
        for (reading, region) in readings {
            let region = region.and_then(|region| region.parse().ok());
            if let Ok(number) = PHONE_NUMBER_UTIL.parse(reading, region)
                && PHONE_NUMBER_UTIL.is_valid_number(&number)
            {
                return Ok(Self(PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164).as_ref().into()));
            }
        }
        Err(refuse())
    }

    /// The number as `+<digits>`: to dial it, to ask a CRM about it, to store it. Never to log it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the number belongs to a mobile phone; false where numbers do not tell.
    pub fn is_mobile(&self) -> bool {
        let parsed = PHONE_NUMBER_UTIL.parse(&self.0, None);
        parsed.is_ok_and(|number| PHONE_NUMBER_UTIL.get_number_type(&number) == PhoneNumberType::Mobile)
    }

    /// The digits without the plus.
    pub fn digits(&self) -> &str {
        self.0.trim_start_matches('+')
    }
}

fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
    })
}

/// Masks a number for print: at most six digits stay (`+7916•••••67`).
pub fn masked(text: &str) -> String {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let (head, tail) = if digits >= 10 { (4, 2) } else { (0, 2.min(digits / 3)) };
    let mut seen = 0;
    text.chars()
        .map(|c| {
            if !c.is_ascii_digit() {
                return c;
            }
            seen += 1;
            if seen <= head || seen > digits - tail { c } else { '•' }
        })
        .collect()
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.0))
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
