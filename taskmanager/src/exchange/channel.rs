//! The sending end of a channel: to a task of this process or of another.

use std::time::Duration;

use crossbeam_channel::Sender;
use streaming::batch::{self, Batch};
use streaming::element::Element;
use streaming::operator::Cancel;
use streaming::{Error, Result};
use tokio::sync::mpsc;

use super::credit::Credit;
use super::frame::{Frame, HEADER_BYTES};

/// An item in the inbox of a task.
#[derive(Debug)]
pub struct Input {
    /// Index among the input channels of the task.
    pub channel: usize,
    pub item: Item,
    pub refund: Refund,
}

/// Where the credit of an input goes back to when it has been processed.
#[derive(Debug, Clone)]
pub enum Refund {
    Local(Credit),
    /// A queue of frames to the sender's TaskManager.
    Remote {
        frames: mpsc::UnboundedSender<Vec<u8>>,
        channel: u32,
    },
}

impl Refund {
    pub fn give(self, bytes: u64) {
        match self {
            _ if bytes == 0 => {}
            Self::Local(credit) => credit.release(bytes),
            // A closed connection needs no credit.
            Self::Remote { frames, channel } => {
                let _ = frames.send(Frame::Credit { channel, bytes }.encode().to_vec());
            }
        }
    }
}

/// What arrived: an element of this process, or an encoded batch that the task decodes on its own thread.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "moved once per batch; a box would cost an allocation for each"
)]
pub enum Item {
    Element(Element),
    Encoded(Vec<u8>),
}

impl Item {
    /// Bytes of credit that it holds until it is processed.
    pub fn credit_bytes(&self) -> u64 {
        match self {
            Self::Element(Element::Batch(batch)) => batch.size_bytes() as u64,
            Self::Element(_) => 0,
            Self::Encoded(bytes) => bytes.len() as u64,
        }
    }

    pub fn into_element(self) -> Result<Element> {
        match self {
            Self::Element(element) => Ok(element),
            Self::Encoded(bytes) => batch::decode(&bytes).map(Element::Batch),
        }
    }
}

/// The sending end of a channel.
#[derive(Debug)]
pub enum Outlet {
    /// The batch itself is moved.
    Local {
        inbox: Sender<Input>,
        channel: usize,
        credit: Credit,
    },
    /// Frames for the connection to another TaskManager. The queue is bounded by the credit of its channels.
    Remote {
        frames: mpsc::UnboundedSender<Vec<u8>>,
        channel: u32,
        credit: Credit,
    },
}

impl Outlet {
    /// Sends a batch, waiting for credit. Returns the time waited.
    pub fn send_batch(&self, batch: Batch, cancel: &Cancel) -> Result<Duration> {
        match self {
            Self::Local { inbox, channel, credit } => {
                let waited = credit.acquire(batch.size_bytes() as u64, cancel)?;
                let item = Item::Element(Element::Batch(batch));
                inbox
                    .send(Input {
                        channel: *channel,
                        item,
                        refund: Refund::Local(credit.clone()),
                    })
                    .map_err(|_| gone())?;
                Ok(waited)
            }
            Self::Remote {
                frames,
                channel,
                credit,
            } => {
                let mut frame = Vec::with_capacity(HEADER_BYTES + batch.size_bytes() + 256);
                frame.resize(HEADER_BYTES, 0);
                batch::encode_into(&batch, &mut frame);
                let bytes = (frame.len() - HEADER_BYTES) as u64;
                frame[..HEADER_BYTES].copy_from_slice(
                    &Frame::Batch {
                        channel: *channel,
                        bytes,
                    }
                    .encode(),
                );
                let waited = credit.acquire(bytes, cancel)?;
                frames.send(frame).map_err(|_| gone())?;
                Ok(waited)
            }
        }
    }

    /// Sends a watermark, barrier, idleness or end; costs no credit.
    pub fn send_control(&self, element: &Element) -> Result<()> {
        match self {
            Self::Local { inbox, channel, credit } => {
                let item = Item::Element(element.clone());
                inbox
                    .send(Input {
                        channel: *channel,
                        item,
                        refund: Refund::Local(credit.clone()),
                    })
                    .map_err(|_| gone())
            }
            Self::Remote { frames, channel, .. } => {
                let channel = *channel;
                let frame = match element {
                    Element::Batch(_) => return Err(Error::internal("exchange", "a batch sent as a control element")),
                    Element::Watermark(watermark) => Frame::Watermark {
                        channel,
                        watermark: *watermark,
                    },
                    Element::Barrier(epoch) => Frame::Barrier { channel, epoch: *epoch },
                    Element::Idle => Frame::Idle { channel },
                    Element::End => Frame::End { channel },
                };
                frames.send(frame.encode().to_vec()).map_err(|_| gone())
            }
        }
    }
}

fn gone() -> Error {
    Error::external("exchange", "the receiving task is gone")
}
