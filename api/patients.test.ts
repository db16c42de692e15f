import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { clinicOf, type Person, receptionistOf, type TestApi, testApi } from "../tests/harness/api.ts"

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api[Symbol.asyncDispose]())

const found = async (desk: Person, query: string) => {
  const { status, body } = await desk.get(`/patients?${query}`)
  expect(status).toBe(200)
  return (body.data as { name: string }[]).map((p) => p.name)
}

describe("walk-ins", () => {
  test("the desk makes a patient without an account, found at this clinic alone, and books for them", async () => {
    const { clinicId, doctorId, slots } = await clinicOf(api)
    const other = await clinicOf(api)
    const desk = await receptionistOf(api, clinicId)
    const { status, body } = await desk.post("/patients", { walkIn: true, name: "Zoë Ångström", phone: "+1 (212) 555-0142" })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.any(String),
      name: "Zoë Ångström",
      phone: "+1 (212) 555-0142",
      city: null,
      latitude: null,
      longitude: null,
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    })
    const [row] = await api.database.pool`select uid, clinic_id from patients where id = ${body.id}`
    expect(row).toEqual({ uid: null, clinic_id: clinicId })
    expect((await desk.get("/patients?name=ANGSTROM")).body).toEqual({ data: [body], page: 1, limit: 20, total: 1, totalIsExact: true })
    const elsewhere = await receptionistOf(api, other.clinicId)
    expect(await found(elsewhere, "name=angstrom")).toEqual([])
    const booked = await desk.post("/appointments", { doctorId, scheduledAt: slots[0]?.start, patientId: body.id })
    expect([booked.status, booked.body.patientName]).toEqual([201, "Zoë Ångström"])
  })

  test("are nobody to another clinic's desk: it cannot book for one, even by their id", async () => {
    const [{ clinicId }, other] = [await clinicOf(api), await clinicOf(api)]
    const { body } = await (await receptionistOf(api, clinicId)).post("/patients", { walkIn: true, name: "Una Key" })
    const elsewhere = await receptionistOf(api, other.clinicId)
    const refused = await elsewhere.post("/appointments", {
      doctorId: other.doctorId,
      scheduledAt: other.slots[0]?.start,
      patientId: body.id,
    })
    expect(refused.status).toBe(404)
    expect(JSON.stringify(refused.body)).not.toContain("Una Key")
    expect(await api.database.pool`select 1 from appointments where patient_id = ${body.id}`).toHaveLength(0)
  })

  test("are made once under one key", async () => {
    const { clinicId } = await clinicOf(api)
    const desk = await receptionistOf(api, clinicId)
    const make = () => desk.post("/patients", { walkIn: true, name: "Once Only" }, { "idempotency-key": "walk-in" })
    const [first, again] = [await make(), await make()]
    expect([again.status, again.body]).toEqual([201, first.body])
    expect(await found(desk, "name=once")).toEqual(["Once Only"])
  })

  test("are made by an active receptionist only; without walkIn a receptionist has a profile already", async () => {
    const { clinicId, doctor, patient } = await clinicOf(api)
    const count = async () => (await api.database.pool`select count(*) as n from patients`)[0]?.n
    const before = await count()
    const walkIn = { walkIn: true, name: "Wes" }
    for (const someone of [doctor, patient, api.person()]) expect((await someone.post("/patients", walkIn)).status).toBe(403)
    for (const status of ["PENDING", "REJECTED", "REVOKED"])
      expect((await (await receptionistOf(api, clinicId, status)).post("/patients", walkIn)).status).toBe(403)
    const desk = await receptionistOf(api, clinicId)
    expect((await desk.post("/patients", { name: "Wes" })).status).toBe(409)
    expect((await desk.post("/patients", { name: "Wes", walkIn: false })).status).toBe(409)
    expect(await count()).toBe(before)
    const newcomer = api.person()
    expect((await newcomer.post("/patients", { name: "Wes", walkIn: false })).status).toBe(201)
  })

  test("take a name and perhaps a number; anything else, and any bad value, is refused by name", async () => {
    const { clinicId } = await clinicOf(api)
    const desk = await receptionistOf(api, clinicId)
    const notText = [5, "", " ", [], {}, "x".repeat(201), "a\0b", "a\ud800b"]
    const bad: [string, unknown][] = [
      ...[...notText, null].map((value): [string, unknown] => ["name", value]),
      ...notText.map((value): [string, unknown] => ["phone", value]),
      ...["true", 1, null, {}].map((value): [string, unknown] => ["walkIn", value]),
      ["city", "Boston"],
      ["latitude", 1],
      ["longitude", 1],
      ["clinicId", clinicId],
    ]
    for (const [field, value] of bad) {
      const { status, body } = await desk.post("/patients", { walkIn: true, name: "Wes", [field]: value })
      expect([field, value, status]).toEqual([field, value, 422])
      expect(body.errors.map((e: { path: string }) => e.path)).toContain(field)
    }
    expect((await desk.post("/patients", { walkIn: true })).body.errors[0].path).toBe("name")
    expect(await found(desk, "name=wes")).toEqual([])
  })
})

describe("finding a patient at the desk", () => {
  test("finds who has an appointment at the clinic or was made at its desk, by parts of name and number together", async () => {
    const { clinicId, doctorId, patient, slots } = await clinicOf(api)
    const desk = await receptionistOf(api, clinicId)
    await patient.patch("/patients/me", { name: "Ana María López", phone: "212.555.0199" })
    expect(await found(desk, "name=lopez")).toEqual([])
    await patient.post("/appointments", { doctorId, scheduledAt: slots[0]?.start })
    await patient.post("/appointments", { doctorId, scheduledAt: slots[1]?.start })
    await desk.post("/patients", { walkIn: true, name: "Lope de Vega", phone: "+1 212 555 0100" })
    await desk.post("/patients", { walkIn: true, name: "100% Lop_ez" })
    expect(await found(desk, "name=LOPEZ")).toEqual(["Ana María López"])
    expect(await found(desk, "name=lop")).toEqual(["100% Lop_ez", "Ana María López", "Lope de Vega"])
    expect(await found(desk, "name=lop&phone=(212)%20555")).toEqual(["Ana María López", "Lope de Vega"])
    expect(await found(desk, "phone=0199")).toEqual(["Ana María López"])
    expect(await found(desk, "name=lope&phone=0199")).toEqual(["Ana María López"])
    expect(await found(desk, "name=%25")).toEqual(["100% Lop_ez"])
    expect(await found(desk, "name=p_e")).toEqual(["100% Lop_ez"])
    const page = await desk.get("/patients?name=lop&limit=2&page=2")
    expect(page.body).toMatchObject({ data: [{ name: "Lope de Vega" }], page: 2, limit: 2, total: 3, totalIsExact: true })
    expect(Object.keys(page.body.data[0]).sort()).toEqual(
      ["city", "createdAt", "id", "latitude", "longitude", "name", "phone", "updatedAt"].sort(),
    )
  })

  test("counts up to a thousand and says so", async () => {
    const { clinicId } = await clinicOf(api)
    const desk = await receptionistOf(api, clinicId)
    await api.database.pool`
      insert into patients (id, clinic_id, name, name_fold)
      select gen_random_uuid(), ${clinicId}, 'Many ' || n, 'many ' || n from generate_series(1, 1001) n`
    expect((await desk.get("/patients?name=many&limit=1")).body).toMatchObject({ total: 1000, totalIsExact: false })
    await api.database.pool`delete from patients where name = 'Many 7'`
    expect((await desk.get("/patients?name=many&limit=1")).body).toMatchObject({ total: 1000, totalIsExact: true })
  })

  test("is for active receptionists only", async () => {
    const { clinicId, doctor, patient } = await clinicOf(api)
    for (const someone of [doctor, patient, api.person(), await receptionistOf(api, clinicId, "PENDING")])
      expect((await someone.get("/patients?name=pat")).status).toBe(403)
  })

  test("needs a name or a number that says something; a bad parameter is 400 and named", async () => {
    const { clinicId } = await clinicOf(api)
    const desk = await receptionistOf(api, clinicId)
    for (const [query, path] of [
      ["", "name"],
      ["page=1", "name"],
      ["name=", "name"],
      ["name=%20", "name"],
      ["phone=", "phone"],
      ["phone=abc", "phone"],
      [`name=${"x".repeat(201)}`, "name"],
      [`phone=${"1".repeat(201)}`, "phone"],
      ["name=a%00", "name"],
      ["phone=1%00", "phone"],
      ["name=a&name=b", "name"],
      ["name=a&page=0", "page"],
      ["name=a&limit=101", "limit"],
      ["name=a&limit=100&page=101", "page"],
    ]) {
      const { status, body } = await desk.get(`/patients?${query}`)
      expect([query, status, body.errors?.[0].path]).toEqual([query, 400, path])
    }
    expect((await desk.get("/patients?name=%ff")).status).toBe(400)
  })
})
