# Postoffice behind Varnish (tried with 7.1): callbacks are passed on, never cached.
vcl 4.1;

backend postoffice {
  .host = "127.0.0.1";
  .port = "9090";
  .connect_timeout = 1s;
  .first_byte_timeout = 2s;
  .between_bytes_timeout = 2s;
}

sub vcl_recv {
  return (pass);
}

# Varnish would replace an error by its own page; the sender must see Postoffice's answer.
sub vcl_backend_response {
  set beresp.uncacheable = true;
  return (deliver);
}
