//! The points of one key in one pane or session, and their copy in state.

use streaming::Result;
use streaming::state::KeyedState;

use super::chunk::{Chunks, Place, Reader, damaged, put_floats};

/// Points in the order of their arrival, or only their number.
#[derive(Debug, Default)]
pub struct Cloud {
    pub count: u64,
    /// Row-major; empty where the job only counts.
    pub coords: Vec<f64>,
    chunks: Chunks,
}

impl Cloud {
    #[inline]
    pub fn push(&mut self, point: &[f64]) {
        self.count += 1;
        self.coords.extend_from_slice(point);
    }

    /// Appends the points of `other`, whose copy in state is no longer needed.
    pub fn absorb(&mut self, other: &Self) {
        self.count += other.count;
        self.coords.extend_from_slice(&other.coords);
    }

    /// Writes what is new since the last call. `header` is written in front of the points of each chunk.
    pub fn persist(&mut self, dim: u16, header: &[u8], place: Place<'_>, state: &mut dyn KeyedState) -> Result<()> {
        if self.coords.is_empty() {
            // Only counted: one row, overwritten.
            if self.count != self.chunks.rows() {
                self.chunks = Chunks::default();
                self.chunks.restored(self.count);
                place.put(state, 0, &chunk(self.count, header, &[]))?;
            }
            return Ok(());
        }
        if let Some(plan) = self.chunks.extend_to(self.count) {
            let points = &self.coords[plan.write_from as usize * usize::from(dim)..];
            place.put(
                state,
                plan.write_from,
                &chunk(self.count - plan.write_from, header, points),
            )?;
            place.delete(state, plan.delete)?;
        }
        Ok(())
    }

    /// Takes in a chunk found in state; chunks come in their order. Returns its header.
    pub fn restore<'a>(
        &mut self,
        dim: u16,
        header_bytes: usize,
        keeps_points: bool,
        value: &'a [u8],
    ) -> Result<&'a [u8]> {
        let mut reader = Reader(value);
        let rows = reader.u64()?;
        let (header, points) = reader
            .0
            .split_at_checked(header_bytes)
            .ok_or_else(|| damaged("a chunk is cut off"))?;
        let points = Reader(points).coords(rows, dim, keeps_points)?;
        self.count += rows;
        self.coords.extend_from_slice(&points);
        self.chunks.restored(rows);
        Ok(header)
    }

    /// Removes the copy in state.
    pub fn forget(&self, place: Place<'_>, state: &mut dyn KeyedState) -> Result<()> {
        place.delete(state, self.chunks.starts())
    }

    pub fn heap_bytes(&self) -> usize {
        self.coords.capacity() * 8 + self.chunks.size_bytes()
    }
}

fn chunk(rows: u64, header: &[u8], points: &[f64]) -> Vec<u8> {
    let mut value = Vec::with_capacity(8 + header.len() + points.len() * 8);
    value.extend_from_slice(&rows.to_le_bytes());
    value.extend_from_slice(header);
    put_floats(&mut value, points);
    value
}
