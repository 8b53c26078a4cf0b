-- A native decision hook with a new call id in every request; each thread counts on its own.
local threads = 0
function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

local count = 0
function request()
  count = count + 1
  local body = string.format(
    '{"call_id":"%s-%d-%d","caller":"+7916%07d","called":"+74951112233"}', run, thread_number, count, count % 10000000)
  return wrk.format("POST", "/hooks/bench/pbx/decision",
    {["Authorization"] = "Bearer bench-secret", ["Content-Type"] = "application/json"}, body)
end

function init(args)
  run = args[1] or "run"
end

local wrong = 0
function response(status)
  if status ~= 200 then
    wrong = wrong + 1
    if wrong == 1 then io.stderr:write("an answer has status " .. status .. "\n") end
  end
end
