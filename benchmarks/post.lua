-- wrk -s post.lua URL -- FILE: send the file's requests in turn, whole as they stand in it, each
-- after a line with its size; at the end one line of JSON.
local requests, count, position = {}, 0, 0

function init(args)
  local file = assert(io.open(args[1], "rb"))
  for size in file:lines() do
    count = count + 1
    requests[count] = file:read(tonumber(size))
  end
  file:close()
end

function request()
  position = position % count + 1
  return requests[position]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "p50": %d, "p99": %d, "errors": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
