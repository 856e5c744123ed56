import type { Workload } from './workload.ts';

/** What a line of the program's output starts with that is ours. */
export const RESULT_MARK = 'RESULT ';

/** Up to so many requests of a list are put together before the load begins. */
const PREPARED = 20_000;

/** Plain ASCII only: JSON's way to write text is then Lua's, too. */
const lua = (text: string): string => JSON.stringify(text);

/**
 * The Lua script that makes `wrk` send a workload, and print what it measured as one line of JSON.
 *
 * @param listFiles for each kind of requests the file with its list, one text a line
 */
export function wrkScript(
  { token, mediaType, requests }: Workload,
  { run, listFiles }: { run: string; listFiles: readonly string[] },
): string {
  const sources = requests.map(({ path, body }, index) => {
    const { items } = body;
    const kind =
      items.kind === 'list'
        ? `items = read(${lua(listFiles[index] ?? '')})`
        : `before = ${lua(`${items.before}${run}-`)}, after = ${lua(items.after)}`;
    return (
      `  { path = ${lua(path)}, open = ${lua(body.open)}, close = ${lua(body.close)}, ` +
      `separator = ${lua(body.separator)}, count = ${body.count}, turn = 0, ${kind} },`
    );
  });
  return `${PRELUDE}
wrk.method = "POST"
wrk.headers["Content-Type"] = ${lua(mediaType)}
wrk.headers["Authorization"] = ${lua(`Bearer ${token}`)}
local sources
function init()
  sources = {
${sources.join('\n')}
  }
  for _, source in ipairs(sources) do prepare(source, ${PREPARED}) end
end
local turn = 0
function request()
  turn = turn + 1
  return nextOf(sources[turn % #sources + 1])
end
${DONE}`;
}

const PRELUDE = `function read(path)
  local items = {}
  for line in io.lines(path) do items[#items + 1] = line end
  return items
end
local function item(source)
  source.turn = source.turn + 1
  if source.items then return source.items[(source.turn - 1) % #source.items + 1] end
  return source.before .. source.turn .. source.after
end
local function make(source)
  local body
  if source.count == 1 then
    body = item(source)
  else
    local parts = {}
    for n = 1, source.count do parts[n] = item(source) end
    body = table.concat(parts, source.separator)
  end
  return wrk.format(nil, source.path, nil, source.open .. body .. source.close)
end
function prepare(source, limit)
  if source.items and source.count == 1 and #source.items <= limit then
    source.prepared = {}
    for n = 1, #source.items do source.prepared[n] = make(source) end
  end
end
function nextOf(source)
  if source.prepared == nil then return make(source) end
  source.turn = source.turn + 1
  return source.prepared[source.turn % #source.prepared + 1]
end`;

const DONE = `function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '${RESULT_MARK}{"requests":%d,"micros":%d,"refused":%d,"broken":%d,"p50":%d,"p99":%d,"p999":%d}\\n',
    summary.requests, summary.duration, e.status, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
`;
