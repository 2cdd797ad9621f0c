//! Frames of an exchange connection: a 16-byte header and, for a batch, its encoding.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | kind |
//! | 1..4 | zero |
//! | 4..8 | channel |
//! | 8..16 | argument: length of the batch, watermark, epoch, bytes of credit, deployment |

use streaming::{Epoch, Error, Result, Timestamp};

pub const HEADER_BYTES: usize = 16;
/// No batch comes near it; whoever announces more is not one of us.
const MAX_BATCH_BYTES: u64 = 1 << 30;

/// The header of a frame. A [`Frame::Batch`] is followed by so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// First frame of a connection: which deployment it belongs to.
    Hello {
        deployment: u64,
    },
    Batch {
        channel: u32,
        bytes: u64,
    },
    Watermark {
        channel: u32,
        watermark: Timestamp,
    },
    Barrier {
        channel: u32,
        epoch: Epoch,
    },
    Idle {
        channel: u32,
    },
    End {
        channel: u32,
    },
    /// The receiver has room for so many bytes more.
    Credit {
        channel: u32,
        bytes: u64,
    },
}

impl Frame {
    pub fn encode(self) -> [u8; HEADER_BYTES] {
        let (kind, channel, argument) = match self {
            Self::Hello { deployment } => (b'H', 0, deployment),
            Self::Batch { channel, bytes } => (b'D', channel, bytes),
            Self::Watermark { channel, watermark } => (b'W', channel, watermark.0 as u64),
            Self::Barrier { channel, epoch } => (b'B', channel, epoch.0),
            Self::Idle { channel } => (b'I', channel, 0),
            Self::End { channel } => (b'E', channel, 0),
            Self::Credit { channel, bytes } => (b'C', channel, bytes),
        };
        let mut header = [0; HEADER_BYTES];
        header[0] = kind;
        header[4..8].copy_from_slice(&channel.to_le_bytes());
        header[8..].copy_from_slice(&argument.to_le_bytes());
        header
    }

    pub fn decode(header: &[u8; HEADER_BYTES]) -> Result<Self> {
        let channel = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        let (_, argument) = header.split_at(8);
        let argument = u64::from_le_bytes(argument.try_into().expect("half of sixteen bytes"));
        match header[0] {
            b'H' => Ok(Self::Hello { deployment: argument }),
            b'D' if argument <= MAX_BATCH_BYTES => Ok(Self::Batch {
                channel,
                bytes: argument,
            }),
            b'W' => Ok(Self::Watermark {
                channel,
                watermark: Timestamp(argument as i64),
            }),
            b'B' => Ok(Self::Barrier {
                channel,
                epoch: Epoch(argument),
            }),
            b'I' => Ok(Self::Idle { channel }),
            b'E' => Ok(Self::End { channel }),
            b'C' => Ok(Self::Credit {
                channel,
                bytes: argument,
            }),
            kind => Err(Error::Damaged {
                subject: "frame",
                reason: format!("kind {kind}, argument {argument}"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_round_trip() {
        let frames = [
            Frame::Hello { deployment: u64::MAX },
            Frame::Batch {
                channel: 7,
                bytes: 65_536,
            },
            Frame::Watermark {
                channel: 1,
                watermark: Timestamp::MIN,
            },
            Frame::Barrier {
                channel: 2,
                epoch: Epoch(9),
            },
            Frame::Idle { channel: 3 },
            Frame::End { channel: 4 },
            Frame::Credit { channel: 5, bytes: 1 },
        ];
        for frame in frames {
            assert_eq!(Frame::decode(&frame.encode()).unwrap(), frame);
        }
    }

    #[test]
    fn absurd_frames_are_refused() {
        assert!(Frame::decode(&[0; HEADER_BYTES]).is_err());
        let mut header = Frame::Batch { channel: 0, bytes: 0 }.encode();
        header[8..].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(Frame::decode(&header).is_err());
    }
}
