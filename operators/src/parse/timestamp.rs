//! The time of a message: RFC 3339, or milliseconds since the epoch.

use streaming::Timestamp;

/// Reads an RFC 3339 date-time; the usual form in UTC without the general parser.
pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    parse_utc(text.as_bytes()).or_else(|| Timestamp::parse_rfc3339(text))
}

/// Reads milliseconds since the epoch, with a fraction if need be; rounds to microseconds.
pub fn parse_millis(number: &str) -> Option<Timestamp> {
    if let Ok(millis) = number.parse::<i64>() {
        return millis.checked_mul(1000).map(Timestamp);
    }
    let micros = (number.parse::<f64>().ok()? * 1000.0).round();
    (micros.abs() < i64::MAX as f64).then_some(Timestamp(micros as i64))
}

/// `yyyy-mm-ddThh:mm:ss[.ffffff]Z`, and nothing else.
fn parse_utc(text: &[u8]) -> Option<Timestamp> {
    let (seconds, rest) = text.split_at_checked(19)?;
    let punctuated =
        seconds[4] == b'-' && seconds[7] == b'-' && seconds[10] == b'T' && seconds[13] == b':' && seconds[16] == b':';
    if !punctuated {
        return None;
    }
    let (year, month, day) = (
        digits(&seconds[..4])?,
        digits(&seconds[5..7])?,
        digits(&seconds[8..10])?,
    );
    let (hour, minute, second) = (
        digits(&seconds[11..13])?,
        digits(&seconds[14..16])?,
        digits(&seconds[17..])?,
    );
    if day == 0 || day > days_in_month(year, month)? || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days_from_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Timestamp(seconds * 1_000_000 + parse_fraction(rest)?))
}

/// Microseconds of `.ffffffZ` with up to six digits, or of `Z`.
fn parse_fraction(text: &[u8]) -> Option<i64> {
    match text {
        b"Z" => Some(0),
        [b'.', fraction @ .., b'Z'] if (1..=6).contains(&fraction.len()) => {
            Some(digits(fraction)? * 10_i64.pow(6 - fraction.len() as u32))
        }
        _ => None,
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    let mut number = 0;
    for &digit in text {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(digit - b'0');
    }
    Some(number)
}

fn days_in_month(year: i64, month: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if is_leap { 29 } else { 28 }),
        _ => None,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_short_way_agrees_with_the_general_parser(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            let text = Timestamp(micros).to_string();
            prop_assert_eq!(parse_utc(text.as_bytes()), Timestamp::parse_rfc3339(&text));
            prop_assert_eq!(parse_rfc3339(&text), Some(Timestamp(micros)));
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for text in [
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01",
            "yesterday",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
        assert_eq!(
            parse_rfc3339("2024-02-29T00:00:00+01:00"),
            parse_rfc3339("2024-02-28T23:00:00Z")
        );
    }

    #[test]
    fn milliseconds_may_have_a_fraction() {
        assert_eq!(parse_millis("1704110400000"), Some(Timestamp(1_704_110_400_000_000)));
        assert_eq!(parse_millis("1.5"), Some(Timestamp(1500)));
        assert_eq!(parse_millis("1e300"), None);
        assert_eq!(parse_millis("9223372036854775807"), None);
    }
}
