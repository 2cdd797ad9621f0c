//! Persistent homology of windows over streams: points come and go, and little is computed again.
//!
//! ```
//! use homology::{Limits, RipsWindow, VietorisRips};
//!
//! let mut window = RipsWindow::new(VietorisRips::to_dimension(1), 2)?;
//! window.extend(&[9.0, 9.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0])?;
//! window.diagram(&Limits::default())?;
//! window.remove_oldest(1);
//! window.insert(&[0.0, 1.0])?;
//! let diagram = window.diagram(&Limits::default())?;
//! assert_eq!(diagram.of_dimension(1)[0].birth, 1.0);
//! # Ok::<(), homology::Error>(())
//! ```

mod alpha_window;
mod bits;
mod cycles;
mod elimination;
mod hollow;
mod lanes;
mod lengths;
mod links;
mod lune;
mod marks;
mod rips_window;
mod voids;
mod window_points;

pub use alpha_window::AlphaWindow;
pub use rips_window::RipsWindow;
pub use window_points::{PointId, WindowSnapshot};
