-- Every step of a job, each in one step of the server. A script runs whole or not at all, and its
-- effects are one transaction of the append-only file. All names begin with KEYS[1]: a cluster, where
-- names would have to be known before, is refused when the store is opened.
--
-- A job is `queued`, `running`, `done`, `failed`, `cancelled` or `dead`. Its attempt is a number that
-- grows with each claim and never comes twice: what a worker writes carries it, and any but the last
-- is refused. Time is the server's own, in milliseconds.
local P, op = KEYS[1], ARGV[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- The death of a worker, and the fault of ours, with which a job is set aside.
local LAST = {deaths = 3, faults = 4}
-- How long it waits after each, for a lease of 15 seconds; in proportion for another one.
local PAUSES = {1000, 10000, 60000}
local LEASE = 15000
-- What one call looks at, at the most.
local SOME = 64
-- Dead letters that are kept.
local DEAD = 1000

local all, waiting, running, delayed = P .. 'all', P .. 'waiting', P .. 'running', P .. 'delayed'
local ended, dead, totals, turns = P .. 'ended', P .. 'dead', P .. 'totals', P .. 'turns'
local finishes, references = P .. 'finishes', P .. 'references'
local workers, dedicated = P .. 'workers', P .. 'dedicated'

local function job(id) return P .. 'job:' .. id end
local function document(hash) return P .. 'document:' .. hash end
local function queue(tenant) return P .. 'queue:' .. tenant end
local function of(tenant) return P .. 'of:' .. tenant end
local function answer(id) return P .. 'answer:' .. id end
local function checkpoint(id) return P .. 'checkpoint:' .. id end
local function plain(n) return string.format('%.0f', n) end
local function total(name) return tonumber(redis.call('HGET', totals, name) or '0') end
local function add(name, n)
  if n ~= 0 then redis.call('HINCRBY', totals, name, plain(n)) end
end

-- Queues share by start-time fair queueing (P. Goyal, H. Vin, H. Cheng, 1996): the tenant whose next
-- job starts first in virtual time is served, and its turn moves on by the cost of that job. It gives
-- what deficit round robin gives, and needs no rounds.
local function enqueue(id, tenant, in_front)
  redis.call(in_front and 'LPUSH' or 'RPUSH', queue(tenant), id)
  if not redis.call('ZSCORE', turns, tenant) then
    local own = tonumber(redis.call('HGET', finishes, tenant) or '0')
    redis.call('ZADD', turns, plain(math.max(own, total('time'))), tenant)
  end
end

-- What the last attempt left for the next one is of no use any more.
local function drop_checkpoint(id)
  add('bytes', -redis.call('STRLEN', checkpoint(id)))
  redis.call('UNLINK', checkpoint(id))
end

-- Nobody works on it any more, and nobody will: what it was to work on is let go.
local function let_go(id)
  drop_checkpoint(id)
  local hash, size = unpack(redis.call('HMGET', job(id), 'document', 'size'))
  if not hash then return end
  redis.call('HDEL', job(id), 'document', 'size', 'spec')
  add('bytes', -tonumber(size or '0'))
  if redis.call('HINCRBY', references, hash, -1) <= 0 then
    redis.call('HDEL', references, hash)
    add('bytes', -redis.call('STRLEN', document(hash)))
    redis.call('UNLINK', document(hash))
  end
end

local function stop_waiting(id)
  if redis.call('ZREM', waiting, id) == 1 then
    add('cost', -tonumber(redis.call('HGET', job(id), 'cost') or '0'))
  end
  redis.call('ZREM', delayed, id)
end

local function wait_again(id)
  local asked, cost = unpack(redis.call('HMGET', job(id), 'asked', 'cost'))
  if redis.call('ZADD', waiting, asked, id) == 1 then add('cost', tonumber(cost)) end
  redis.call('HSET', job(id), 'stage', 'queued', 'worker', '')
end

local function forget(id)
  stop_waiting(id)
  let_go(id)
  add('answers', -redis.call('STRLEN', answer(id)))
  local tenant = redis.call('HGET', job(id), 'tenant')
  if tenant then redis.call('ZREM', of(tenant), id) end
  for _, set in ipairs({all, running, ended, dead}) do redis.call('ZREM', set, id) end
  redis.call('UNLINK', job(id), answer(id))
end

local function end_as(id, stage, kept)
  redis.call('HSET', job(id), 'stage', stage, 'ended', plain(now), 'until', plain(now + kept))
  redis.call('ZREM', running, id)
  redis.call('ZADD', ended, plain(now + kept), id)
end

local function die(id, reason)
  -- What it was to go on from may be what it died of.
  drop_checkpoint(id)
  redis.call('HSET', job(id), 'stage', 'dead', 'reason', reason, 'ended', plain(now))
  redis.call('ZREM', running, id)
  redis.call('ZADD', dead, plain(now), id)
  local over = redis.call('ZCARD', dead) - DEAD
  if over > 0 then
    for _, old in ipairs(redis.call('ZRANGE', dead, 0, math.min(over, SOME) - 1)) do forget(old) end
  end
end

-- A try of it came to nothing through no fault of its own.
local function try_again(id, count, reason, lease, chance)
  local tries = redis.call('HINCRBY', job(id), count, 1)
  redis.call('HSET', job(id), 'reason', reason)
  if tries >= LAST[count] then
    die(id, reason)
    return
  end
  redis.call('ZREM', running, id)
  wait_again(id)
  local pause = PAUSES[tries] * lease / LEASE
  -- Half of it by chance, so that what failed together does not come again together.
  redis.call('ZADD', delayed, plain(now + pause * (0.5 + chance)), id)
end

local function is_owned(id, attempt, worker)
  local stage, last, who = unpack(redis.call('HMGET', job(id), 'stage', 'attempt', 'worker'))
  return stage == 'running' and last == attempt and who == worker
end

-- Says that a worker lives. Written only now and then: each write is a flush of the disk.
local function touch(set, name, lease)
  local said = tonumber(redis.call('ZSCORE', set, name) or '0')
  if said < now + lease * 2 / 3 then redis.call('ZADD', set, plain(now + lease), name) end
end

-- Those of a set of workers that live.
local function living(set)
  return redis.call('ZCOUNT', set, '(' .. plain(now), '+inf')
end

-- What time alone brings: takes jobs from workers that say nothing, lets those go on that waited long
-- enough, forgets old answers. Answers how many were taken over.
local function sweep(lease, chance)
  local swept, taken = total('swept'), 0
  if now - swept > lease / 4 then
    redis.call('HSET', totals, 'swept', plain(now))
    redis.call('ZREMRANGEBYSCORE', workers, '-inf', plain(now - lease))
    redis.call('ZREMRANGEBYSCORE', dedicated, '-inf', plain(now - lease))
    if now - swept > lease / 2 then
      -- Nobody looked for so long: this server was away, and the workers could not say anything.
      for _, id in ipairs(redis.call('ZRANGE', running, 0, 1023)) do
        redis.call('ZADD', running, 'GT', plain(now + lease), id)
      end
    end
  end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', running, '-inf', plain(now), 'LIMIT', 0, SOME)) do
    if redis.call('HGET', job(id), 'stage') == 'running' then
      try_again(id, 'deaths', 'its worker was lost', lease, chance)
      taken = taken + 1
    else
      redis.call('ZREM', running, id)
    end
  end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', plain(now), 'LIMIT', 0, SOME)) do
    redis.call('ZREM', delayed, id)
    local stage, tenant = unpack(redis.call('HMGET', job(id), 'stage', 'tenant'))
    if stage == 'queued' then enqueue(id, tenant, true) end
  end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', ended, '-inf', plain(now), 'LIMIT', 0, SOME)) do
    forget(id)
  end
  return taken
end

local SHOWN = {'tenant', 'operation', 'stage', 'progress', 'attempt', 'deaths', 'faults', 'worker', 'asked',
  'started', 'ended', 'until', 'cost', 'reason', 'at', 'version', 'bytes', 'batch'}
-- A job for whoever asks; `places` is how many of its tenant's are before each, where that is known.
local function shown(id, places)
  local fields = redis.call('HMGET', job(id), unpack(SHOWN))
  if not fields[1] then return nil end
  local before = false
  if places then
    before = places[id]
  elseif fields[3] == 'queued' then
    before = redis.call('LPOS', queue(fields[1]), id, 'MAXLEN', 10000)
  end
  local line = {id, plain(now), plain(before or 0)}
  for _, field in ipairs(fields) do line[#line + 1] = field or '' end
  line[#line + 1] = plain(redis.call('STRLEN', checkpoint(id)))
  return line
end
local function is_of(id, tenant)
  return tenant == '' or redis.call('HGET', job(id), 'tenant') == tenant
end

if op == 'put' then
  -- ARGV: put, tenant, most microseconds waiting for each worker, most bytes, most jobs, count of
  -- documents, then hash and bytes of each, count of jobs, then id, payload, cost, document (from 1),
  -- bytes of the request, operation, batch and specification of each
  local tenant = ARGV[2]
  local at, documents = 7, {}
  for n = 1, tonumber(ARGV[6]) do
    documents[n] = {ARGV[at], ARGV[at + 1]}
    at = at + 2
  end
  local count, made = tonumber(ARGV[at]), {}
  local cost = 0
  for n = 0, count - 1 do
    local first = at + 1 + n * 8
    local known = redis.call('HGET', job(ARGV[first]), 'payload')
    if known and known ~= ARGV[first + 1] then return {'other', ARGV[first]} end
    if not known then
      made[#made + 1] = first
      cost = cost + tonumber(ARGV[first + 2])
    end
  end
  if #made > 0 then
    -- Who serves as well takes nothing while somebody does nothing else.
    local hands = living(dedicated)
    if hands == 0 then hands = math.max(1, living(workers)) end
    local most = tonumber(ARGV[3]) * hands
    local seen = total('cost') + cost
    -- A single job may be longer than all of it, where nothing else waits.
    if seen > most and seen > cost then return {'full', 'seconds', plain(most), plain(seen)} end
    if total('bytes') > tonumber(ARGV[4]) then
      return {'full', 'bytes', ARGV[4], plain(total('bytes'))}
    end
    local jobs = redis.call('ZCARD', all) + #made
    if jobs > tonumber(ARGV[5]) then return {'full', 'jobs', ARGV[5], plain(jobs)} end
  end
  for _, first in ipairs(made) do
    local id, payload, cost, number, bytes, operation, batch, spec = unpack(ARGV, first, first + 7)
    local hash, packed = unpack(documents[tonumber(number)])
    if redis.call('HINCRBY', references, hash, 1) == 1 then
      redis.call('SET', document(hash), packed)
      add('bytes', #packed)
    end
    redis.call('HSET', job(id), 'tenant', tenant, 'payload', payload, 'cost', cost, 'document', hash,
      'size', #spec, 'operation', operation, 'spec', spec, 'stage', 'queued', 'asked', plain(now),
      'attempt', '0', 'bytes', bytes, 'batch', batch)
    add('bytes', #spec)
    add('cost', tonumber(cost))
    redis.call('ZADD', waiting, plain(now), id)
    redis.call('ZADD', all, plain(now), id)
    redis.call('ZADD', of(tenant), plain(now), id)
    enqueue(id, tenant, false)
  end
  if #made > 0 then redis.call('PUBLISH', P .. 'bell', #made) end
  return {'ok', plain(#made)}
end

if op == 'claim' then
  -- ARGV: claim, worker, 'dedicated', 'helping' or 'leaving', lease, microseconds of room, most jobs,
  -- whether it has nothing to do, version, chance
  local worker, kind, lease = ARGV[2], ARGV[3], tonumber(ARGV[4])
  local room, most, idle = tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] == '1'
  local chance = tonumber(ARGV[9])
  touch(workers, worker, lease)
  if kind == 'dedicated' then touch(dedicated, worker, lease) end
  local line = {'ok', plain(sweep(lease, chance))}
  if kind == 'helping' and living(dedicated) > 0 then return line end
  local looks, count = 0, 0
  while count < most and looks < SOME do
    looks = looks + 1
    local first = redis.call('ZRANGE', turns, 0, 0, 'WITHSCORES')
    local tenant, start = first[1], tonumber(first[2] or '0')
    if not tenant then break end
    local id = redis.call('LINDEX', queue(tenant), 0)
    if not id then
      redis.call('ZREM', turns, tenant)
    else
      local stage, cost, spec, hash = unpack(redis.call('HMGET', job(id), 'stage', 'cost', 'spec', 'document'))
      if stage ~= 'queued' or redis.call('ZSCORE', delayed, id) then
        redis.call('LPOP', queue(tenant))
      else
        cost = tonumber(cost)
        if cost > room and not (idle and count == 0) then break end
        redis.call('LPOP', queue(tenant))
        room, count = room - cost, count + 1
        redis.call('HSET', totals, 'time', plain(start))
        redis.call('HSET', finishes, tenant, plain(start + cost))
        redis.call('ZADD', turns, plain(start + cost), tenant)
        stop_waiting(id)
        local attempt = redis.call('HINCRBY', job(id), 'attempt', 1)
        redis.call('HSET', job(id), 'stage', 'running', 'worker', worker, 'started', plain(now),
          'version', ARGV[8], 'at', 'claimed', 'progress', '0')
        redis.call('ZADD', running, plain(now + lease), id)
        local packed, left = redis.call('GET', document(hash)), redis.call('GET', checkpoint(id))
        for _, part in ipairs({id, plain(attempt), tenant, spec, packed or '', left or ''}) do
          line[#line + 1] = part
        end
      end
    end
  end
  return line
end

if op == 'beat' then
  -- ARGV: beat, worker, lease, then id, attempt, progress and stage of each job
  local worker, lease, line = ARGV[2], tonumber(ARGV[3]), {'ok'}
  for n = 4, #ARGV - 3, 4 do
    local id, attempt, progress, at = unpack(ARGV, n, n + 3)
    if is_owned(id, attempt, worker) then
      if tonumber(redis.call('ZSCORE', running, id) or '0') < now + lease * 2 / 3 then
        redis.call('ZADD', running, plain(now + lease), id)
      end
      local was, stood = unpack(redis.call('HMGET', job(id), 'progress', 'at'))
      if was ~= progress or stood ~= at then
        redis.call('HSET', job(id), 'progress', progress, 'at', at)
      end
      line[#line + 1] = 'ok'
    elseif redis.call('HGET', job(id), 'stage') == 'cancelled' then
      line[#line + 1] = 'cancelled'
    else
      line[#line + 1] = 'lost'
    end
  end
  return line
end

if op == 'keep' then
  -- ARGV: keep, id, attempt, worker, checkpoint
  local id = ARGV[2]
  if not is_owned(id, ARGV[3], ARGV[4]) then return {'late'} end
  add('bytes', #ARGV[5] - redis.call('STRLEN', checkpoint(id)))
  redis.call('SET', checkpoint(id), ARGV[5])
  return {'ok'}
end

if op == 'finish' then
  -- ARGV: finish, id, attempt, worker, 'done' or 'failed', head, body, fingerprint, most bytes of
  -- answers, milliseconds that it is kept
  local id, attempt, worker, stage, head, body, print = unpack(ARGV, 2, 8)
  local known, is = redis.call('HGET', job(id), 'print'), redis.call('HGET', job(id), 'stage')
  if not is then return {'gone'} end
  if known then return {known == print and 'same' or 'divergent'} end
  if not is_owned(id, attempt, worker) then
    if is == 'queued' or is == 'running' then redis.call('HSET', job(id), 'late', print) end
    return {is == 'cancelled' and 'cancelled' or 'late'}
  end
  let_go(id)
  redis.call('SET', answer(id), body)
  redis.call('HSET', job(id), 'head', head, 'print', print, 'progress', stage == 'done' and '1' or '0')
  add('answers', #body)
  end_as(id, stage, tonumber(ARGV[10]))
  local looks = 0
  while total('answers') > tonumber(ARGV[9]) and looks < SOME do
    looks = looks + 1
    local old = redis.call('ZRANGE', ended, 0, 0)[1]
    if not old or old == id then break end
    forget(old)
  end
  local late = redis.call('HGET', job(id), 'late')
  return {(late and late ~= print) and 'ok-divergent' or 'ok'}
end

if op == 'fault' then
  -- ARGV: fault, id, attempt, worker, reason, lease, chance
  if not is_owned(ARGV[2], ARGV[3], ARGV[4]) then return {'late'} end
  try_again(ARGV[2], 'faults', ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]))
  return {'ok'}
end

if op == 'back' then
  -- ARGV: back, id, attempt, worker
  if not is_owned(ARGV[2], ARGV[3], ARGV[4]) then return {'late'} end
  redis.call('ZREM', running, ARGV[2])
  wait_again(ARGV[2])
  enqueue(ARGV[2], redis.call('HGET', job(ARGV[2]), 'tenant'), true)
  redis.call('PUBLISH', P .. 'bell', 1)
  return {'ok'}
end

if op == 'unknown' then
  -- ARGV: unknown, worker, then the jobs that it knows of: those that it was given without hearing of
  -- it, because the answer was lost, are queued again
  local known = {}
  for n = 3, #ARGV do known[ARGV[n]] = true end
  local count = 0
  for _, id in ipairs(redis.call('ZRANGE', running, 0, 1023)) do
    if not known[id] and redis.call('HGET', job(id), 'worker') == ARGV[2] then
      redis.call('ZREM', running, id)
      wait_again(id)
      enqueue(id, redis.call('HGET', job(id), 'tenant'), true)
      count = count + 1
    end
  end
  return {'ok', plain(count)}
end

if op == 'leave' then
  redis.call('ZREM', workers, ARGV[2])
  redis.call('ZREM', dedicated, ARGV[2])
  return {'ok'}
end

if op == 'cancel' then
  -- ARGV: cancel, tenant, id, milliseconds that it is kept
  local id = ARGV[3]
  local stage = redis.call('HGET', job(id), 'stage')
  if not stage or not is_of(id, ARGV[2]) then return {'none'} end
  if stage == 'queued' or stage == 'running' then
    stop_waiting(id)
    let_go(id)
    end_as(id, 'cancelled', tonumber(ARGV[4]))
  else
    forget(id)
  end
  return {'ok'}
end

if op == 'view' then
  -- ARGV: view, tenant or '', id
  local line = is_of(ARGV[3], ARGV[2]) and shown(ARGV[3])
  return line and {'ok', line} or {'none'}
end

if op == 'list' then
  -- ARGV: list, 'of', 'all' or 'dead', tenant, most
  local set = ARGV[2] == 'of' and of(ARGV[3]) or (ARGV[2] == 'dead' and dead or all)
  local lines, places = {'ok'}, {}
  if ARGV[2] == 'of' then
    for place, id in ipairs(redis.call('LRANGE', queue(ARGV[3]), 0, 9999)) do places[id] = place - 1 end
  end
  for _, id in ipairs(redis.call('ZREVRANGE', set, 0, tonumber(ARGV[4]) - 1)) do
    local line = shown(id, places)
    if line then lines[#lines + 1] = line end
  end
  return lines
end

if op == 'result' then
  -- ARGV: result, tenant, id
  local stage, head = unpack(redis.call('HMGET', job(ARGV[3]), 'stage', 'head'))
  if not stage or not is_of(ARGV[3], ARGV[2]) then return {'none'} end
  return {'ok', stage, head or '', redis.call('GET', answer(ARGV[3])) or ''}
end

if op == 'retry' then
  -- ARGV: retry, id
  local id = ARGV[2]
  if redis.call('HGET', job(id), 'stage') ~= 'dead' then return {'none'} end
  redis.call('ZREM', dead, id)
  redis.call('HDEL', job(id), 'deaths', 'faults', 'ended', 'reason')
  wait_again(id)
  enqueue(id, redis.call('HGET', job(id), 'tenant'), false)
  redis.call('PUBLISH', P .. 'bell', 1)
  return {'ok'}
end

if op == 'drop' then
  -- ARGV: drop, id
  if redis.call('EXISTS', job(ARGV[2])) == 0 then return {'none'} end
  forget(ARGV[2])
  return {'ok'}
end

if op == 'stats' then
  local oldest = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')[2]
  local age = oldest and math.max(0, now - tonumber(oldest)) or 0
  return {'ok', plain(redis.call('ZCARD', waiting)), plain(redis.call('ZCARD', running)),
    plain(redis.call('ZCARD', dead)), plain(redis.call('ZCARD', all)), plain(total('cost')), plain(age),
    plain(total('bytes')), plain(total('answers')), plain(living(workers)), plain(living(dedicated))}
end

return redis.error_reply('unknown step of a job')
