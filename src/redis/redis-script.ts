import { type Result } from 'ioredis'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    setExternalAdapterResponse(key: string, value: string, ttl: number): Result<string | null, Context>
    /** A list counts as the arguments in it. */
    evalsha(sha: string, numberOfKeys: number, args: (string | number)[]): Result<unknown, Context>
  }
}

/**
 * contract 17.4: an error never replaces a live success, whichever process wrote that. Texts are decoded only where it may matter. A stored
 * value that is not JSON may be replaced.
 */
const lua = `
local function isError(text)
  if not string.find(text, '"errorMessage"', 1, true) then return false end
  local isJson, response = pcall(cjson.decode, text)
  if not isJson or type(response) ~= 'table' then return false end
  local message = response.errorMessage
  return message ~= nil and message ~= cjson.null and message ~= false and message ~= ''
end
local function isSuccess(text)
  local isJson, response = pcall(cjson.decode, text)
  return isJson and type(response) == 'table' and not isError(text)
end
if isError(ARGV[1]) then
  local stored = redis.call('get', KEYS[1])
  if stored and isSuccess(stored) then return nil end
end
return redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
`

/** The script command that writes a response: `setExternalAdapterResponse(key, json, ttlMs)` (contract 8.1). */
export const SET_RESPONSE = { numberOfKeys: 1, lua }
