//! The little XML that S3 needs: escaping on the way out, the text of named elements on the way in.

/// The first line of every document.
pub const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
/// The namespace S3 puts on its documents.
pub const NAMESPACE: &str = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";

/// `text` as element content. Characters that XML 1.0 cannot hold are left out.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\r' => escaped.push_str("&#13;"),
            c if c < ' ' && c != '\n' && c != '\t' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// Contents of all elements called `name`, in order, still escaped. Elements of one name must not nest.
pub fn elements<'a>(document: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let close = format!("</{name}>");
    let mut found = Vec::new();
    let mut rest = document;
    while let Some(start) = find_open(rest, name) {
        let (content, after) = rest[start..].split_once(close.as_str())?;
        found.push(content);
        rest = after;
    }
    Some(found)
}

/// Where the content of the next element called `name` begins.
fn find_open(document: &str, name: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + document[from..].find('<')? + 1;
        let tag_end = at + document[at..].find('>')?;
        let tag = &document[at..tag_end];
        let tag_name = tag.split_whitespace().next().unwrap_or_default();
        if tag_name == name {
            return Some(tag_end + 1);
        }
        from = tag_end + 1;
    }
}

/// The text behind entities; `None` if one is not known.
pub fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let (entity, after) = after.split_once(';')?;
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => numbered(entity)?,
        });
        rest = after;
    }
    plain.push_str(rest);
    Some(plain)
}

fn numbered(entity: &str) -> Option<char> {
    let number = entity.strip_prefix('#')?;
    let code = match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_survives_escaping_and_unescaping() {
        let text = "a<b>&\"c'd\r\n ü";
        assert_eq!(unescape(&escape(text)).unwrap(), text);
    }

    #[test]
    fn elements_are_found_by_name_with_and_without_attributes() {
        let document =
            "<?xml version=\"1.0\"?><D x=\"1\"><Object><Key a=\"b\">1&amp;2</Key></Object><Keys/><Key>3</Key></D>";
        assert_eq!(elements(document, "Key").unwrap(), ["1&amp;2", "3"]);
        assert_eq!(elements("<Key>never closed", "Key"), None);
        assert_eq!(unescape("&nbsp;"), None);
    }
}
