-- wrk -s post.lua URL -- FILE [NAME VALUE]...: post in turn what the file's lines have in
-- hexadecimal, with these header fields; at the end one line of JSON.
local requests, position = {}, 0

local function decode(line)
  return (line:gsub("..", function(pair) return string.char(tonumber(pair, 16)) end))
end

function init(args)
  wrk.method = "POST"
  for k = 2, #args, 2 do
    wrk.headers[args[k]] = args[k + 1]
  end
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format(nil, nil, nil, decode(line))
  end
end

function request()
  position = position % #requests + 1
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
