//! Fills the table of an operator from a checkpoint.

use checkpoint::list::read_list;
use checkpoint::manifest::KeyedChain;
use checkpoint::restore::visit_chain;
use checkpoint::{Manifest, Store};
use streaming::operator::Place;
use streaming::{Error, Result, Timestamp};

use super::table::{Changes, StateTable};

/// Rows that are applied to a table at once.
const CHUNK_ROWS: usize = 4096;

/// What an operator starts from, besides its table.
pub struct Restored {
    /// Entries of all subtasks: splits of a source, seals of a sink.
    pub list: Vec<Vec<u8>>,
    /// The segments that hold the table's rows.
    pub lineage: KeyedChain,
    pub watermark: Timestamp,
}

/// Reads what the subtask at `place` needs of `manifest` into `table`. Nothing where the checkpoint knows no such operator.
pub async fn operator(
    store: &Store,
    manifest: Option<&Manifest>,
    place: &Place,
    table: &dyn StateTable,
) -> Result<Restored> {
    let found = manifest.and_then(|manifest| manifest.restore_of(&place.operator, place.parallelism, place.subtask));
    let Some(restore) = found else {
        return Ok(Restored {
            list: Vec::new(),
            lineage: KeyedChain::default(),
            watermark: Timestamp::MIN,
        });
    };
    let failed = |error: checkpoint::Error| Error::external(format!("state of {}", place.operator), error);
    let mut chunk = Changes::new();
    let mut problem = None;
    let visit = &mut |key: &[u8], value: Option<&[u8]>| {
        chunk.insert(key.to_vec(), value.map(<[u8]>::to_vec));
        if chunk.len() >= CHUNK_ROWS && problem.is_none() {
            problem = table.apply(&chunk).err();
            chunk.clear();
        }
        Ok(())
    };
    visit_chain(store, &restore.keyed, visit).await.map_err(failed)?;
    if let Some(problem) = problem {
        return Err(problem);
    }
    table.apply(&chunk)?;
    let mut list = Vec::new();
    for stored in &restore.lists {
        list.extend(read_list(store, stored).await.map_err(failed)?);
    }
    Ok(Restored {
        list,
        lineage: restore.keyed,
        watermark: restore.watermark,
    })
}
