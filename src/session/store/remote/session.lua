-- Every write to a session, in one step of the server: fenced by the epoch of its owner, in the
-- order of sequences, inside the limits, and with its entry in the feed of the tenant. A script runs
-- whole or not at all, and its effects are one transaction of the append-only file.
--
-- Answers {'ok', ...}, {'fenced'}, {'order', last}, {'none'}, {'full', what, limit, seen} or
-- {'elsewhere', owner, address}.
local lease, meta, log, snaps, text = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local names, tenants, totals, feed = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local op, epoch = ARGV[1], ARGV[2]
-- How long a lease of a session that there is not outlives its last use, in milliseconds.
local UNUSED = 60000
-- Entries of a feed that are kept at the least.
local KEPT = 10000

local function number(key, field)
  return tonumber(redis.call('HGET', key, field) or '0')
end
local function plain(n)
  return string.format('%.0f', n)
end

-- The outbox: an entry for each write that counts. Its id is the time, by the clock of the server; a write
-- that is sent again does not come here.
local function note(kind, sequence, name)
  redis.call('XADD', feed, 'MAXLEN', '~', KEPT, '*', 'e', kind .. sequence .. ':' .. name)
end

if op == 'claim' then
  -- ARGV: claim, who, who is known to be gone or '', the prefix of the keys of replicas
  local who, gone, prefix = ARGV[2], ARGV[3], ARGV[4]
  local owner = redis.call('HGET', lease, 'owner')
  local now = redis.call('HGET', lease, 'epoch')
  local there = redis.call('EXISTS', meta)
  local taken = 0
  if owner ~= who or not now then
    if owner and owner ~= gone then
      local address = redis.call('GET', prefix .. owner)
      if address then return {'elsewhere', owner, address} end
    end
    -- Counted over all sessions, so that no epoch ever comes twice, deleted sessions included.
    now = plain(redis.call('HINCRBY', totals, 'epoch', 1))
    redis.call('HSET', lease, 'owner', who, 'epoch', now)
    if owner then taken = 1 end
  end
  if there == 0 then redis.call('PEXPIRE', lease, UNUSED) else redis.call('PERSIST', lease) end
  return {'ok', now, there, taken}
end

local held = redis.call('HGET', lease, 'epoch') == epoch

if op == 'release' then
  if held then redis.call('HDEL', lease, 'owner') end
  return {'ok'}
end

if op == 'give' then
  -- ARGV: give, epoch, to whom, the prefix of the keys of replicas, for how long it rests
  if not held then return {'fenced'} end
  local to, prefix, rest = ARGV[3], ARGV[4], tonumber(ARGV[5])
  if redis.call('EXISTS', prefix .. to) == 0 then return {'ok', 'gone'} end
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local at, times = number(lease, 'given'), number(lease, 'times')
  -- Twice as long after each time, up to an hour or so; an hour in one place is a new beginning.
  if now < at + rest * 2 ^ math.min(times, 7) and at > 0 then return {'ok', 'soon'} end
  if now > at + 3600000 then times = 0 else times = times + 1 end
  local next = plain(redis.call('HINCRBY', totals, 'epoch', 1))
  redis.call('HSET', lease, 'owner', to, 'epoch', next, 'given', plain(now), 'times', times)
  return {'ok', 'given'}
end

local last = redis.call('HGET', meta, 'last')
local function occupied()
  local sum = 0
  for _, bytes in ipairs(redis.call('HMGET', meta, 'text', 'sb', 'rb', 'sb0', 'rb0')) do
    sum = sum + tonumber(bytes or '0')
  end
  return sum
end
local function room(was, is, session_limit, limit)
  if is <= was then return nil end
  if is > tonumber(session_limit) then
    return {'full', 'bytes of one stored session', session_limit, plain(is)}
  end
  local all = number(totals, 'bytes') - was + is
  if all > tonumber(limit) then
    return {'full', 'bytes of all stored sessions', limit, plain(all)}
  end
end
local again = ARGV[3] == '1'

if op == 'delete' then
  -- ARGV: delete, epoch, again, name, tenant
  if not held then
    -- Sent again: it has happened.
    if again and not last then return {'ok'} end
    return {'fenced'}
  end
  if last then
    redis.call('HINCRBY', totals, 'bytes', plain(-occupied()))
    redis.call('HINCRBY', totals, 'sessions', -1)
    redis.call('SREM', names, ARGV[4])
    if redis.call('HINCRBY', tenants, ARGV[5], -1) <= 0 then
      redis.call('HDEL', tenants, ARGV[5])
    end
  end
  -- With the lease goes the epoch: what is still on its way is fenced.
  redis.call('UNLINK', lease, meta, log, snaps, text)
  if last then note('d', last, ARGV[4]) end
  return {'ok'}
end

if not held then return {'fenced'} end
local sequence = ARGV[4]

if op == 'begin' then
  -- ARGV: begin, epoch, again, sequence, session limit, limit, name, tenant, text, its bytes,
  -- snapshot, its bytes, limit of sessions, of those of a tenant
  local mark = epoch .. '-' .. sequence
  if last and tonumber(sequence) <= tonumber(last) then
    if again and redis.call('HGET', meta, 'begun') == mark then return {'ok'} end
    return {'order', last}
  end
  if not last then
    local all = number(totals, 'sessions') + 1
    if all > tonumber(ARGV[13]) then return {'full', 'stored sessions', ARGV[13], plain(all)} end
    local own = number(tenants, ARGV[8]) + 1
    if own > tonumber(ARGV[14]) then
      return {'full', 'stored sessions of one tenant', ARGV[14], plain(own)}
    end
  end
  local was, is = occupied(), tonumber(ARGV[10]) + tonumber(ARGV[12])
  local full = room(was, is, ARGV[5], ARGV[6])
  if full then return full end
  redis.call('UNLINK', meta, log, snaps, text)
  redis.call('HSET', meta, 'last', sequence, 'begun', mark, 'text', ARGV[10], 'at', sequence,
    'sb', ARGV[12], 'rb', '0', 'top', '0-0', 'id', '0-0')
  redis.call('SET', text, ARGV[9])
  redis.call('HSET', snaps, sequence, ARGV[11])
  redis.call('HINCRBY', totals, 'bytes', plain(is - was))
  if not last then
    redis.call('HINCRBY', totals, 'sessions', 1)
    redis.call('HINCRBY', tenants, ARGV[8], 1)
    redis.call('SADD', names, ARGV[7])
    redis.call('PERSIST', lease)
  end
  note('b', sequence, ARGV[7])
  return {'ok'}
end

if not last then return {'none'} end

if op == 'append' then
  -- ARGV: append, epoch, again, sequence, session limit, limit, record, name
  local id, record = epoch .. '-' .. sequence, ARGV[7]
  if tonumber(sequence) ~= tonumber(last) + 1 then
    if again then
      -- The same under the same number has happened; another one is out of order.
      local found = redis.call('XRANGE', log, id, id)
      if found[1] and found[1][2][2] == record then return {'ok'} end
    end
    return {'order', last}
  end
  local was = occupied()
  local full = room(was, was + #record, ARGV[5], ARGV[6])
  if full then return full end
  -- The server itself refuses an id that is not greater than the last one: so an older epoch
  -- could not append even if the check above were wrong.
  redis.call('XADD', log, id, 'r', record)
  redis.call('HSET', meta, 'last', sequence, 'id', id)
  redis.call('HINCRBY', meta, 'rb', #record)
  redis.call('HINCRBY', totals, 'bytes', #record)
  note('e', sequence, ARGV[8])
  return {'ok'}
end

if op == 'snapshot' then
  -- ARGV: snapshot, epoch, again, sequence, session limit, limit, snapshot
  -- Beyond the last record is what another write has failed with: it must not come in by this way.
  if sequence ~= last then return {'order', last} end
  local snapshot = ARGV[7]
  local at, top, id = unpack(redis.call('HMGET', meta, 'at', 'top', 'id'))
  local old = redis.call('HGET', meta, 'at0')
  local was = occupied()
  local is = was + #snapshot
  if at == sequence then
    is = is - number(meta, 'sb') - number(meta, 'rb')
  elseif old then
    is = is - number(meta, 'sb0') - number(meta, 'rb0')
  end
  local full = room(was, is, ARGV[5], ARGV[6])
  if full then return full end
  if at ~= sequence then
    if old then
      redis.call('HDEL', snaps, old)
      local e, s = string.match(top, '^(%d+)-(%d+)$')
      redis.call('XTRIM', log, 'MINID', '=', e .. '-' .. plain(tonumber(s) + 1))
    end
    local sb, rb = unpack(redis.call('HMGET', meta, 'sb', 'rb'))
    redis.call('HSET', meta, 'at0', at, 'sb0', sb, 'rb0', rb)
  end
  redis.call('HSET', meta, 'at', sequence, 'sb', plain(#snapshot), 'rb', '0',
    'top', id)
  redis.call('HSET', snaps, sequence, snapshot)
  redis.call('HINCRBY', totals, 'bytes', plain(is - was))
  return {'ok'}
end

return redis.error_reply('unknown write')
