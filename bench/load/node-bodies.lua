-- Requests as an oracle node writes them, for wrk: `wrk -s node-bodies.lua <url> -- <feeds> <first run>`
local feeds, run

local headers = {
  ["User-Agent"] = "Go-http-client/1.1",
  ["Content-Type"] = "application/json",
  ["Accept-Encoding"] = "gzip",
}

local form = '{"data":{"base":"ASSET%d","quote":"USD"},"id":"%d-%d","meta":{"latestAnswer":%d,"updatedAt":%d}}'

function init(args)
  feeds = tonumber(args[1])
  run = tonumber(args[2])
end

function request()
  run = run + 1
  local id = run * 48271 % 4294967296
  local body = form:format(run % feeds, id, run, 100000000000 + run * 7919 % 1000000, 1700000000 + run)
  return wrk.format("POST", "/", headers, body)
end
