//! The points of a window in the order in which they came.

use std::collections::VecDeque;

use crate::{Error, PointCloud, Result};

/// Names a point of a window. Later points have greater ids, and none is given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PointId(pub u64);

/// All that a window must remember to be built again.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowSnapshot {
    /// Coordinates of each point.
    pub dimension: usize,
    /// The points, oldest first, row by row.
    pub rows: Vec<f64>,
    /// The id of each row, ascending.
    pub ids: Vec<PointId>,
    /// The id that the next point will get.
    pub next: PointId,
}

/// A queue of points from which any may be removed.
#[derive(Debug, Clone)]
pub(super) struct WindowPoints {
    dimension: usize,
    rows: VecDeque<f64>,
    ids: VecDeque<PointId>,
    next: u64,
}

impl WindowPoints {
    /// Fails with [`Error::Ragged`] if `dimension` is 0.
    pub fn new(dimension: usize) -> Result<Self> {
        PointCloud::new(&[], dimension)?;
        Ok(Self {
            dimension,
            rows: VecDeque::new(),
            ids: VecDeque::new(),
            next: 0,
        })
    }

    pub fn dimension(&self) -> usize {
        self.dimension
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn memory_bytes(&self) -> usize {
        size_of::<f64>() * self.rows.capacity() + size_of::<PointId>() * self.ids.capacity()
    }

    /// Appends one point. Fails with [`Error::Ragged`] or [`Error::NotFinite`].
    pub fn insert(&mut self, row: &[f64]) -> Result<PointId> {
        if row.len() != self.dimension {
            return Err(Error::Ragged {
                values: row.len(),
                dimension: self.dimension,
            });
        }
        Ok(self.extend(row)?[0])
    }

    /// Appends points. Fails with [`Error::Ragged`] or [`Error::NotFinite`], whose row counts from the first of `rows`;
    /// nothing is appended then.
    pub fn extend(&mut self, rows: &[f64]) -> Result<Vec<PointId>> {
        let count = PointCloud::new(rows, self.dimension)?.len() as u64;
        let ids = (self.next..self.next + count).map(PointId);
        self.next += count;
        self.rows.extend(rows);
        self.ids.extend(ids.clone());
        Ok(ids.collect())
    }

    /// Removes a point and returns its place. Fails with [`Error::UnknownPoint`].
    pub fn remove(&mut self, id: PointId) -> Result<usize> {
        let place = self
            .ids
            .binary_search(&id)
            .map_err(|_| Error::UnknownPoint { id: id.0 })?;
        self.ids.remove(place);
        self.rows.drain(place * self.dimension..(place + 1) * self.dimension);
        Ok(place)
    }

    /// Removes the `count` oldest points, or all if there are fewer. Returns how many.
    pub fn remove_oldest(&mut self, count: usize) -> usize {
        let count = count.min(self.len());
        self.ids.drain(..count);
        self.rows.drain(..count * self.dimension);
        count
    }

    /// All coordinates, oldest point first.
    pub fn coordinates(&mut self) -> &[f64] {
        self.rows.make_contiguous()
    }

    pub fn ids(&self) -> impl ExactSizeIterator<Item = PointId> {
        self.ids.iter().copied()
    }

    pub fn snapshot(&self) -> WindowSnapshot {
        WindowSnapshot {
            dimension: self.dimension,
            rows: self.rows.iter().copied().collect(),
            ids: self.ids().collect(),
            next: PointId(self.next),
        }
    }

    /// Fails if the rows are not those of a point cloud, or with [`Error::InvalidSnapshot`] unless there is one id for
    /// each row and they ascend and are below the next one.
    pub fn restore(snapshot: WindowSnapshot) -> Result<Self> {
        let WindowSnapshot {
            dimension,
            rows,
            ids,
            next,
        } = snapshot;
        let points = PointCloud::new(&rows, dimension)?.len();
        let in_order = ids.is_sorted_by(|a, b| a < b) && ids.last().is_none_or(|last| *last < next);
        if ids.len() != points || !in_order {
            return Err(Error::InvalidSnapshot { ids: ids.len(), points });
        }
        Ok(Self {
            dimension,
            rows: rows.into(),
            ids: ids.into(),
            next: next.0,
        })
    }
}
