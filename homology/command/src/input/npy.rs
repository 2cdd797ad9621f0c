//! NumPy's array files, versions 1 to 3: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use super::{Shape, Table};

pub const MAGIC: &[u8] = b"\x93NUMPY";

/// Reads an array of one or two axes, floats or integers, of either byte order, by rows or by columns.
pub fn parse(bytes: &[u8]) -> Result<Table, String> {
    let (header, data) = split(bytes).ok_or("its header is cut off; save the array again")?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is not text; save the array again")?;
    let element = Element::parse(quoted(field(header, "descr")?)?)?;
    let by_columns = match field(header, "fortran_order")? {
        order if order.starts_with("True") => true,
        order if order.starts_with("False") => false,
        _ => return Err("fortran_order is neither True nor False in its header".to_owned()),
    };
    let axes = axes(field(header, "shape")?)?;
    let expected = axes
        .iter()
        .try_fold(element.size, |product, axis| product.checked_mul(*axis));
    if expected != Some(data.len()) {
        return Err(format!(
            "holds {} bytes of data, but its shape {axes:?} needs {}; it was cut off or is not one array",
            data.len(),
            expected.map_or("more than there are".to_owned(), |bytes| bytes.to_string()),
        ));
    }
    let values: Vec<f64> = data
        .chunks_exact(element.size)
        .map(|bytes| element.value(bytes))
        .collect();
    match axes[..] {
        [_] => Ok(Table::list(values)),
        [0, _] => Ok(Table::list(Vec::new())),
        [rows, 0] => Err(format!("holds {rows} rows without numbers")),
        [rows, columns] if by_columns => Ok(Table {
            values: transposed(&values, rows, columns),
            shape: Shape::Rows { columns },
        }),
        [_, columns] => Ok(Table {
            values,
            shape: Shape::Rows { columns },
        }),
        _ => Err(format!(
            "is an array of shape {axes:?}, expected one or two axes; reshape it"
        )),
    }
}

/// Header and data.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, start) = match bytes.get(6)? {
        1 => (u16::from_le_bytes(bytes.get(8..10)?.try_into().ok()?) as usize, 10),
        _ => (u32::from_le_bytes(bytes.get(8..12)?.try_into().ok()?) as usize, 12),
    };
    Some((bytes.get(start..start + length)?, &bytes[start + length..]))
}

/// What follows `'name':` in the header, a Python dictionary in a form that NumPy fixes.
fn field<'a>(header: &'a str, name: &str) -> Result<&'a str, String> {
    let key = format!("'{name}':");
    let at = header
        .find(&key)
        .ok_or_else(|| format!("its header has no {name}; save the array again"))?;
    Ok(header[at + key.len()..].trim_start())
}

fn quoted(text: &str) -> Result<&str, String> {
    text.strip_prefix('\'')
        .and_then(|rest| rest.split_once('\''))
        .map(|(inside, _)| inside)
        .ok_or_else(|| "is an array of records, expected numbers; save one field".to_owned())
}

fn axes(text: &str) -> Result<Vec<usize>, String> {
    let inside = text.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let (inside, _) = inside.ok_or("its header has no shape; save the array again")?;
    let axes = inside.split(',').map(str::trim).filter(|axis| !axis.is_empty());
    axes.map(|axis| {
        axis.parse()
            .map_err(|_| format!("axis {axis} of its shape is not a number"))
    })
    .collect()
}

/// The type of the elements.
struct Element {
    size: usize,
    kind: char,
    big_endian: bool,
}

impl Element {
    fn parse(descriptor: &str) -> Result<Self, String> {
        let mut letters = descriptor.chars();
        let order = letters.next().unwrap_or(' ');
        let kind = letters.next().unwrap_or(' ');
        match (order, kind, letters.as_str().parse()) {
            ('<' | '>' | '|' | '=', 'f', Ok(size @ (4 | 8)))
            | ('<' | '>' | '|' | '=', 'i' | 'u', Ok(size @ (1 | 2 | 4 | 8))) => Ok(Self {
                size,
                kind,
                big_endian: order == '>' || order == '=' && cfg!(target_endian = "big"),
            }),
            _ => Err(format!(
                "holds elements of type {descriptor}, expected floats or integers; convert with .astype('f8')"
            )),
        }
    }

    /// The value of one element. Integers beyond 2⁵³ are rounded.
    fn value(&self, bytes: &[u8]) -> f64 {
        let mut little = [0; 8];
        little[..self.size].copy_from_slice(bytes);
        if self.big_endian {
            little[..self.size].reverse();
        }
        let bits = u64::from_le_bytes(little);
        let unused = 64 - 8 * self.size as u32;
        match (self.kind, self.size) {
            ('f', 4) => f64::from(f32::from_bits(bits as u32)),
            ('f', _) => f64::from_bits(bits),
            // Shifting up and down again copies the sign.
            ('i', _) => (((bits << unused) as i64) >> unused) as f64,
            _ => bits as f64,
        }
    }
}

fn transposed(by_columns: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    let at = |index: usize| by_columns[index % columns * rows + index / columns];
    (0..by_columns.len()).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
        let length = match version {
            1 => (header.len() as u16).to_le_bytes().to_vec(),
            _ => (header.len() as u32).to_le_bytes().to_vec(),
        };
        [MAGIC, &[version, 0], &length, header.as_bytes(), data].concat()
    }

    fn header(descriptor: &str, order: &str, shape: &str) -> String {
        format!("{{'descr': '{descriptor}', 'fortran_order': {order}, 'shape': {shape}, }}\n")
    }

    #[test]
    fn every_version_type_and_order_gives_the_same_table() {
        let expected = Table::from_rows(&[vec![1.0, -2.0, 3.0], vec![4.0, 5.0, -6.0]]);
        let by_rows = [1_i8, -2, 3, 4, 5, -6];
        let by_columns = [1_i8, 4, -2, 5, 3, -6];
        type Encode = fn(i8) -> Vec<u8>;
        let encodings: [(&str, Encode); 8] = [
            ("|i1", |x| x.to_le_bytes().to_vec()),
            (">i2", |x| i16::from(x).to_be_bytes().to_vec()),
            ("<i4", |x| i32::from(x).to_le_bytes().to_vec()),
            ("<i8", |x| i64::from(x).to_le_bytes().to_vec()),
            ("<f4", |x| f32::from(x).to_le_bytes().to_vec()),
            (">f4", |x| f32::from(x).to_be_bytes().to_vec()),
            ("<f8", |x| f64::from(x).to_le_bytes().to_vec()),
            (">f8", |x| f64::from(x).to_be_bytes().to_vec()),
        ];
        for (descriptor, encode) in encodings {
            for version in 1..=3 {
                for (order, values) in [("False", by_rows), ("True", by_columns)] {
                    let data = values.map(encode).concat();
                    let found = parse(&file(version, &header(descriptor, order, "(2, 3)"), &data));
                    assert_eq!(found.as_ref(), Ok(&expected), "{descriptor} {version} {order}");
                }
            }
        }
    }

    #[test]
    fn lists_and_empty_arrays_are_read() {
        let list = file(1, &header("<u4", "False", "(2,)"), &[1, 0, 0, 0, 255, 255, 255, 255]);
        assert_eq!(parse(&list), Ok(Table::list(vec![1.0, 4294967295.0])));
        assert_eq!(
            parse(&file(1, &header("<f8", "False", "(0, 3)"), &[])),
            Ok(Table::list(vec![]))
        );
    }

    #[test]
    fn faults_are_told() {
        let check = |file: &[u8], expected: &str| {
            let error = parse(file).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        let good = file(1, &header("<f8", "False", "(1, 1)"), &[0; 8]);
        for end in 6..good.len() {
            assert!(parse(&good[..end]).is_err(), "cut off at {end}");
        }
        check(
            &good[..good.len() - 1],
            "holds 7 bytes of data, but its shape [1, 1] needs 8",
        );
        check(
            &file(1, &header("<f8", "False", "(1, 1, 1)"), &[0; 8]),
            "expected one or two axes",
        );
        check(
            &file(1, &header("<f8", "False", "(4, 0)"), &[]),
            "holds 4 rows without numbers",
        );
        check(
            &file(1, &header("<c16", "False", "(1,)"), &[0; 16]),
            "elements of type <c16",
        );
        check(
            &file(1, &header("<f8", "False", "(99999999999, 99999999999)"), &[]),
            "more than there are",
        );
        check(
            &file(
                1,
                "{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (1,)}",
                &[0; 8],
            ),
            "records",
        );
    }
}
