//! koine
