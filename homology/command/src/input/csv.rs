//! Numbers in lines, separated by commas, semicolons or blanks.

use super::Table;

/// Reads one row per line. Empty lines and what follows `#` are skipped, and so is a first line without any number.
pub fn parse(text: &str) -> Result<Table, String> {
    let (mut values, mut lengths) = (Vec::new(), Vec::new());
    let mut header_allowed = true;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        let is_header = header_allowed && fields(line).all(|field| field.parse::<f64>().is_err());
        header_allowed = false;
        if is_header {
            continue;
        }
        let start = values.len();
        for (column, field) in (1..).zip(fields(line)) {
            let value: f64 = field.parse().map_err(|_| {
                format!("line {number}, column {column} is {field:?}, expected a number (counted from 1)")
            })?;
            values.push(value);
        }
        lengths.push(values.len() - start);
    }
    Ok(Table::new(values, lengths))
}

fn fields(line: &str) -> Box<dyn Iterator<Item = &str> + '_> {
    match [',', ';'].into_iter().find(|separator| line.contains(*separator)) {
        // Some programs end their lines with a separator.
        Some(separator) => Box::new(
            line.strip_suffix(separator)
                .unwrap_or(line)
                .split(separator)
                .map(str::trim),
        ),
        None => Box::new(line.split_ascii_whitespace()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_rows() {
        let expected = Table::from_rows(&[vec![1.0, -2.5e-3], vec![f64::INFINITY, 4.0]]);
        assert_eq!(parse("x, y\n1, -2.5e-3\n\n# nothing\ninf,4,\n"), Ok(expected));
        assert_eq!(parse(""), Ok(Table::list(vec![])));
        assert_eq!(parse("only,words\n"), Ok(Table::list(vec![])));
        assert_eq!(parse("1\n2 3\n"), Ok(Table::from_rows(&[vec![1.0], vec![2.0, 3.0]])));
    }

    #[test]
    fn what_is_not_a_number_is_named() {
        assert!(
            parse("1,2\n3,four\n")
                .unwrap_err()
                .starts_with("line 2, column 2 is \"four\"")
        );
        assert!(
            parse("x,2\n3,4\n")
                .unwrap_err()
                .starts_with("line 1, column 1 is \"x\"")
        );
        assert!(parse("1,,2\n").unwrap_err().starts_with("line 1, column 2 is \"\""));
    }
}
