-- What a run of wrk came to, as a line of JSON: its own report stops at the p99.
function done(summary, latency, requests)
   local errors = summary.errors
   print(string.format(
      '{"requests": %d, "bytes": %d, "seconds": %f, "errors": %d, ' ..
      '"p50_us": %d, "p99_us": %d, "p999_us": %d}',
      summary.requests, summary.bytes, summary.duration / 1e6,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout,
      latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
