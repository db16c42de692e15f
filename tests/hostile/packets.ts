/** Packets of Engine.IO and Socket.IO such as no client of theirs would send. */
import fc from "fast-check"

const deep = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`

export const PACKETS: [what: string, packets: (string | Uint8Array)[]][] = [
  ["an empty message", [""]],
  ["a type of Engine.IO that there is none of", ["9", "x", "\0"]],
  ["a second opening", ['0{"sid":"x"}']],
  ["an upgrade that nobody asked for", ["5", "2probe", "5"]],
  ["pings and pongs of all kinds", ["2", "2x", "3", "3probe", "6"]],
  ["a type of Socket.IO that there is none of", ["49", "4x", "4"]],
  ["a namespace without an end", ["40/notifications", "40/", "40//", "40/,", "40/notifications,", "40/notifications,{"]],
  ["namespaces that objects know", ["40/__proto__,{}", "40/constructor,{}", "40/toString,"]],
  ["a namespace of 10 kB", [`40/${"a".repeat(10_000)},{}`]],
  ["a namespace with a query", ["40/notifications?token=x,{}", "40/notifications?__proto__[a]=b,"]],
  ["a sign-in that is no object", ["40/notifications,[]", "40/notifications,null", "40/notifications,5", '40/notifications,"x"']],
  [
    "a sign-in with odd values",
    ['40/notifications,{"token":{},"lastOffset":[]}', '40/notifications,{"token":["x"],"__proto__":{"token":"x"}}'],
  ],
  ["an event before signing in", ['42/notifications,["auth:refresh",{}]', '42["x"]']],
  ["an event to where one is not", ['42/admin,["x"]', '42/doctor:1,["join","x"]']],
  [
    "an event of no name",
    ["42/notifications,[]", "42/notifications,{}", "42/notifications,null", "42/notifications,[null]", "42/notifications,[{}]"],
  ],
  [
    "broken JSON",
    ["42/notifications,[", '42/notifications,["a"', "42/notifications,]", "42/notifications,[\\", "42/notifications,[1e999]"],
  ],
  [
    "the names of the server's own events",
    [
      '42/notifications,["connect"]',
      '42/notifications,["disconnect"]',
      '42/notifications,["disconnecting"]',
      '42/notifications,["newListener",1]',
      '42/notifications,["error"]',
    ],
  ],
  [
    "names that objects know",
    ['42/notifications,["__proto__"]', '42/notifications,["constructor"]', '42/notifications,["hasOwnProperty",1]'],
  ],
  [
    "huge ack ids",
    [
      '42/notifications,99999999999999999999999999["x"]',
      `42/notifications,${"9".repeat(5_000)}["auth:refresh",{}]`,
      '42/notifications,-1["x"]',
    ],
  ],
  [
    "answers to what was not asked",
    ["43/notifications,0[]", "43/notifications,999999999[1]", "43/notifications,[]", "43/notifications,1{}"],
  ],
  ["a refusal, from a client", ['44/notifications,{"message":"x"}', '44/notifications,"x"', "44{}"]],
  ["attachments that never come", ['451-/notifications,["x",{"_placeholder":true,"num":0}]', '42/notifications,["x"]']],
  [
    "more attachments than any",
    ['4599999999999-/notifications,["x"]', "45-1-/notifications,[]", "45/notifications,[]", "451/notifications,[]"],
  ],
  ["too many attachments", ['451-/notifications,["x",{"_placeholder":true,"num":0}]', new Uint8Array(3), new Uint8Array(3)]],
  ["a placeholder of what is not there", ['451-/notifications,["x",{"_placeholder":true,"num":9}]', new Uint8Array(3)]],
  [
    "a placeholder that is none",
    ['451-/notifications,["x",{"_placeholder":true,"num":"__proto__"}]', new Uint8Array(3), '461-/notifications,1["x"]', new Uint8Array(1)],
  ],
  ["bytes from nowhere", [new Uint8Array(0), new Uint8Array([4, 50]), new Uint8Array(1_000)]],
  ["a tree of 10,000 levels", [`42/notifications,["x",${deep(10_000)}]`]],
  ["text of half characters", ['42/notifications,["\ud800"]', '42/notifications,["\\ud800"]', '42/notifications,["\\u0000"]']],
  ["a flood of events", Array.from({ length: 2_000 }, () => '42/notifications,["auth:refresh",{"token":"x"}]')],
  ["a flood of sign-ins", Array.from({ length: 500 }, () => '40/notifications,{"token":"x"}')],
  ["signing out, twice", ["41/notifications,", "41/notifications,", "41"]],
  ["more than may come at once", [`42/notifications,["x","${"x".repeat(70_000)}"]`]],
]

const json = fc.oneof(fc.json({ maxDepth: 2 }), fc.constantFrom("[", "{", "[]", '["auth:refresh"]', '["auth:refresh",{"token":1}]', "null"))
export const randomPacket: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.uint8Array({ maxLength: 40 }),
  fc
    .tuple(
      fc.constantFrom("4", "4", "4", "4", "0", "2", "3", "5", "6"),
      fc.constantFrom("0", "1", "2", "2", "2", "3", "4", "5", "6", "7"),
      fc.constantFrom("", "", "1-", "2-", "0-", "x-", "99-"),
      fc.constantFrom("/notifications,", "/notifications,", "/notifications,", "/,", "", "/x,", "/notifications"),
      fc.constantFrom("", "1", "0", "99999999999999999999", "-1"),
      json,
    )
    .map((parts) => parts.join("")),
)
