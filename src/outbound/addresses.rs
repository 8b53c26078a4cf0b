//! Which addresses may be called: public ones, and private ones that the operator allowed.
//!
//! Names are checked where they are resolved, so that the address checked is the address called; a resolver is not asked
//! about literals, those are checked on their own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Which addresses a client may call.
#[derive(Debug, Clone)]
pub(super) struct AddressGuard {
    /// Private ranges that may be called.
    pub(super) allowed: Arc<[IpNet]>,
    /// Whether public addresses may be called: not without encryption.
    pub(super) public: bool,
}

/// An address that may not be called.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(super) struct Forbidden(pub(super) String);

impl AddressGuard {
    pub(super) fn check(&self, address: IpAddr) -> Result<(), Forbidden> {
        let address = address.to_canonical();
        if self.allowed.iter().any(|net| net.contains(&address)) {
            return Ok(());
        }
        if !is_global(address) {
            return Err(Forbidden("its address is private: an operator may allow it in `outbound_allow`".to_owned()));
        }
        if self.public { Ok(()) } else { Err(Forbidden("a public address is called by https only".to_owned())) }
    }
}

impl Resolve for AddressGuard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            for address in &found {
                guard.check(address.ip())?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the open internet's (IANA special-purpose registries).
fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) => is_global_v6(address),
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (b == 18 || b == 19))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99);
    !special
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    // 2000::/3 without documentation, Teredo and the rest of 2001::/23, and 6to4. NAT64 lies outside of it.
    (first & 0xe000) == 0x2000 && !(first == 0x2001 && (second < 0x200 || second == 0xdb8)) && first != 0x2002 && first != 0x3fff
}
