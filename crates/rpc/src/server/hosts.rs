//! Which hosts and origins requests may have: what keeps pages of the web from calling a node
//! behind the back of their reader, by their own name or by one that was rebound to loopback.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Uri, header, uri::Authority};

/// The hosts and origins that a listener admits.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    address: SocketAddr,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Hosts {
    pub(super) fn new(address: SocketAddr, hosts: &[String], origins: &[String]) -> Self {
        let lower = |texts: &[String]| texts.iter().map(|text| text.to_lowercase()).collect();
        Self {
            address,
            hosts: lower(hosts),
            origins: lower(origins),
        }
    }

    /// Checks a request. The error says what is not admitted.
    pub(super) fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), String> {
        let host = self.host(headers, uri)?;
        if !self.admits(host.host()) {
            return Err(format!("the host `{host}` is not admitted"));
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else {
            return Ok(());
        };
        if origins.next().is_some() {
            return Err("the request has several origins".to_owned());
        }
        let origin = origin.to_str().unwrap_or("?").to_lowercase();
        let same = ["http", "https"].map(|scheme| format!("{scheme}://{host}").to_lowercase());
        match same.contains(&origin) || self.origins.contains(&origin) {
            true => Ok(()),
            false => Err(format!("the origin `{origin}` is not admitted")),
        }
    }

    /// The one host that a request is for.
    fn host(&self, headers: &HeaderMap, uri: &Uri) -> Result<Authority, String> {
        let mut hosts = headers.get_all(header::HOST).iter();
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().ok().and_then(|host| host.parse().ok()),
            (None, _) => uri.authority().cloned(),
            (Some(_), Some(_)) => None,
        };
        host.filter(|host: &Authority| !host.as_str().contains('@'))
            .ok_or_else(|| "the request has not one well-formed host".to_owned())
    }

    fn admits(&self, host: &str) -> bool {
        let host = host.to_lowercase();
        let digits = host.trim_start_matches('[').trim_end_matches(']');
        let bound = self.address.ip();
        // Names can be rebound to other addresses, and addresses cannot.
        let is_address = digits
            .parse()
            .is_ok_and(|ip: IpAddr| ip.is_loopback() || ip == bound || bound.is_unspecified());
        is_address || host == "localhost" || self.hosts.contains(&host)
    }
}
