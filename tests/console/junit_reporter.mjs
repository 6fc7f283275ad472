// For `node --test`: the results as JUnit, which scripts/count_results.py adds up.
// Node has a reporter of that name only from version 20 on.

const escaped = (text) => String(text).replace(/[&<>"\u0000-\u0008\u000b\u000c\u000e-\u001f]/g,
  (character) => `&#${/[&<>"]/.test(character) ? character.charCodeAt(0) : 63};`);

function testcase({name, details, skip}, failed) {
  const seconds = ((details && details.duration_ms || 0) / 1000).toFixed(3);
  const start = `<testcase classname="console" name="${escaped(name)}" time="${seconds}">`;
  const failure = failed ? `<failure>${escaped(details.error && details.error.cause
    && details.error.cause.stack || details.error)}</failure>` : "";
  const skipped = skip ? `<skipped message="${escaped(skip)}"/>` : "";
  return `${start}${failure}${skipped}</testcase>\n`;
}

export default async function* junit(events) {
  yield '<?xml version="1.0" encoding="utf-8"?>\n<testsuites><testsuite name="console">\n';
  for await (const {type, data} of events) {
    if (type !== "test:pass" && type !== "test:fail")
      continue;
    const isFile = /\.mjs$/.test(data.name); // a file counts only when it could not be run
    if (type === "test:fail" || !isFile)
      yield testcase(data, type === "test:fail");
  }
  yield "</testsuite></testsuites>\n";
}
