-- Every request of wrk's one thread, made before the clock starts: the paths of one file with the tokens of another, in turn.
local requests = {}
local sent = 0

function init(args)
  local tokens = {}
  for token in io.lines(args[2]) do tokens[#tokens + 1] = token end
  for path in io.lines(args[1]) do
    local token = tokens[#requests % #tokens + 1]
    requests[#requests + 1] = wrk.format("GET", path, { ["Authorization"] = "Bearer " .. token, ["Host"] = wrk.headers["Host"] })
  end
end

function request()
  sent = sent % #requests + 1
  return requests[sent]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format('\n{"requests":%d,"microseconds":%d,"p50Us":%.0f,"p99Us":%.0f,"failed":%d,"status":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.timeout, e.status))
end
