//! Columns: what a batch does to every one of its buffers.

use super::Points;
use super::codec::{Reader, Writer};
use crate::Result;

/// A value that is its own little-endian bytes.
pub trait Plain: bytemuck::Pod + PartialEq {}
impl<T: bytemuck::Pod + PartialEq> Plain for T {}

/// One buffer, or a few that go together, with a value per row.
pub trait Column: Sized {
    fn rows(&self) -> usize;
    fn size_bytes(&self) -> usize;
    /// The chosen rows, in the order given. Panics on a row that is not there.
    fn gather(&self, rows: &[u32]) -> Self;
    fn append_rows(&mut self, other: &Self);
    fn encode(&self, writer: &mut Writer<'_>);
    /// Fails, never panics, on bytes that [`Column::encode`] did not write.
    fn decode(reader: &mut Reader<'_>, rows: usize) -> Result<Self>;
}

impl<T: Plain> Column for Vec<T> {
    fn rows(&self) -> usize {
        self.len()
    }

    fn size_bytes(&self) -> usize {
        size_of_val(self.as_slice())
    }

    fn gather(&self, rows: &[u32]) -> Self {
        rows.iter().map(|&row| self[row as usize]).collect()
    }

    fn append_rows(&mut self, other: &Self) {
        self.extend_from_slice(other);
    }

    fn encode(&self, writer: &mut Writer<'_>) {
        writer.buffer(self);
    }

    fn decode(reader: &mut Reader<'_>, rows: usize) -> Result<Self> {
        let values: Self = reader.buffer()?;
        reader.expect_rows(values.len(), rows)?;
        Ok(values)
    }
}

/// A list of values per row: row `i` is `values[offsets[i]..offsets[i + 1]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct List<T> {
    offsets: Vec<u32>,
    values: Vec<T>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            offsets: vec![0],
            values: Vec::new(),
        }
    }
}

impl<T: Plain> List<T> {
    /// `rows` empty lists.
    pub fn of_empty(rows: usize) -> Self {
        Self {
            offsets: vec![0; rows + 1],
            values: Vec::new(),
        }
    }

    /// Appends a row. Panics past `u32::MAX` values, which the batch size keeps far away.
    pub fn push(&mut self, row: &[T]) {
        self.values.extend_from_slice(row);
        self.close_row();
    }

    /// The values of the row that is being built; [`List::close_row`] ends it.
    pub fn open_row(&mut self) -> &mut Vec<T> {
        &mut self.values
    }

    pub fn close_row(&mut self) {
        let end = u32::try_from(self.values.len()).expect("a batch is far smaller than 2^32 values");
        self.offsets.push(end);
    }

    pub fn row(&self, row: usize) -> &[T] {
        &self.values[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[T]> {
        self.offsets
            .windows(2)
            .map(|range| &self.values[range[0] as usize..range[1] as usize])
    }

    /// All rows, one after the other.
    pub fn values(&self) -> &[T] {
        &self.values
    }
}

impl<'a, T: Plain> FromIterator<&'a [T]> for List<T> {
    fn from_iter<I: IntoIterator<Item = &'a [T]>>(rows: I) -> Self {
        let mut list = Self::default();
        for row in rows {
            list.push(row);
        }
        list
    }
}

impl<T: Plain> Column for List<T> {
    fn rows(&self) -> usize {
        self.offsets.len() - 1
    }

    fn size_bytes(&self) -> usize {
        size_of_val(self.offsets.as_slice()) + size_of_val(self.values.as_slice())
    }

    fn gather(&self, rows: &[u32]) -> Self {
        let mut list = Self {
            offsets: Vec::with_capacity(rows.len() + 1),
            values: Vec::new(),
        };
        list.offsets.push(0);
        for &row in rows {
            list.push(self.row(row as usize));
        }
        list
    }

    fn append_rows(&mut self, other: &Self) {
        let base = self.values.len() as u32;
        self.values.extend_from_slice(&other.values);
        assert!(
            u32::try_from(self.values.len()).is_ok(),
            "a batch is far smaller than 2^32 values"
        );
        self.offsets
            .extend(other.offsets[1..].iter().map(|offset| base + offset));
    }

    fn encode(&self, writer: &mut Writer<'_>) {
        writer.buffer(&self.offsets);
        writer.buffer(&self.values);
    }

    fn decode(reader: &mut Reader<'_>, rows: usize) -> Result<Self> {
        let offsets: Vec<u32> = reader.buffer()?;
        let values: Vec<T> = reader.buffer()?;
        reader.expect_rows(offsets.len().wrapping_sub(1), rows)?;
        reader.expect_offsets(&offsets, values.len())?;
        Ok(Self { offsets, values })
    }
}

impl Column for Points {
    /// A point of no coordinates does not exist, so a dimension of 0 means no rows.
    fn rows(&self) -> usize {
        if self.dim == 0 {
            0
        } else {
            self.coords.len() / usize::from(self.dim)
        }
    }

    fn size_bytes(&self) -> usize {
        size_of_val(self.coords.as_slice())
    }

    fn gather(&self, rows: &[u32]) -> Self {
        let mut coords = Vec::with_capacity(rows.len() * usize::from(self.dim));
        for &row in rows {
            coords.extend_from_slice(self.row(row as usize));
        }
        Self { dim: self.dim, coords }
    }

    fn append_rows(&mut self, other: &Self) {
        assert_eq!(self.dim, other.dim, "dimension of points appended to points");
        self.coords.extend_from_slice(&other.coords);
    }

    fn encode(&self, writer: &mut Writer<'_>) {
        writer.buffer(&[u64::from(self.dim)]);
        writer.buffer(&self.coords);
    }

    fn decode(reader: &mut Reader<'_>, rows: usize) -> Result<Self> {
        let dim: Vec<u64> = reader.buffer()?;
        let coords: Vec<f64> = reader.buffer()?;
        let points = Self {
            dim: reader.single(&dim)?,
            coords,
        };
        reader.expect_rows(points.coords.len(), rows.saturating_mul(usize::from(points.dim)))?;
        reader.expect_rows(points.rows(), rows)?;
        Ok(points)
    }
}

/// Declares a struct of columns that is itself a column.
macro_rules! columns {
    ($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* pub $field:ident: $kind:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind,)+
        }

        impl $crate::batch::Column for $name {
            fn rows(&self) -> usize {
                let rows = [$(self.$field.rows()),+];
                assert!(rows.iter().all(|&other| other == rows[0]), "columns of {} differ in length: {rows:?}", stringify!($name));
                rows[0]
            }

            fn size_bytes(&self) -> usize {
                0 $(+ self.$field.size_bytes())+
            }

            fn gather(&self, rows: &[u32]) -> Self {
                Self { $($field: self.$field.gather(rows),)+ }
            }

            fn append_rows(&mut self, other: &Self) {
                $(self.$field.append_rows(&other.$field);)+
            }

            fn encode(&self, writer: &mut $crate::batch::codec::Writer<'_>) {
                $(self.$field.encode(writer);)+
            }

            fn decode(reader: &mut $crate::batch::codec::Reader<'_>, rows: usize) -> $crate::Result<Self> {
                Ok(Self { $($field: <$kind as $crate::batch::Column>::decode(reader, rows)?,)+ })
            }
        }
    };
}
pub(super) use columns;
