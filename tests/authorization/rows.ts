/**
 * Who is answered what, route by route. Columns are the cast's roles; a call without a valid token is not among them, for it is
 * answered alike everywhere. `~` after a refusal: the caller may know by other calls that the thing exists, so it need not be
 * answered as one that does not.
 */
export const MATRIX = `
route                                             newcomer patient stranger doctor colleague elsewhere desk desk2 pending rejected revoked
GET /health                                            200     200      200    200       200       200  200   200     200      200     200
GET /health/ready                                      200     200      200    200       200       200  200   200     200      200     200
GET /openapi.json                                      200     200      200    200       200       200  200   200     200      200     200
GET /docs                                              200     200      200    200       200       200  200   200     200      200     200
GET /docs/:file                                        200     200      200    200       200       200  200   200     200      200     200

GET /api/v1/me                                         200     200      200    200       200       200  200   200     200      200     200
POST /api/v1/patients                                  201     409      409    409       409       409  409   409     409      409     409
POST /api/v1/patients (walk-in)                        403     403      403    403       403       403  201   201     403      403     403
GET /api/v1/patients                                   403     403      403    403       403       403  200   200     403      403     403
PATCH /api/v1/patients/me                              403     200      200    403       403       403  403   403     403      403     403

POST /api/v1/doctors                                   201     409      409    409       409       409  409   409     409      409     409
POST /api/v1/doctors (joining, right code)             201     409      409    409       409       409  409   409     409      409     409
POST /api/v1/doctors (joining, wrong code)             422     409      409    409       409       409  409   409     409      409     409
PATCH /api/v1/doctors/me                               403     403      403    200       200       200  403   403     403      403     403
GET /api/v1/doctors/search                             200     200      200    200       200       200  200   200     200      200     200
GET /api/v1/doctors/:id                                200     200      200    200       200       200  200   200     200      200     200
GET /api/v1/doctors/:id/availability                   200     200      200    200       200       200  200   200     200      200     200
GET /api/v1/doctors/analytics                          403     403      403    200       200       200  403   403     403      403     403

POST /api/v1/appointments                              403     201      201    403       403       403  422   422     403      403     403
POST /api/v1/appointments (for the patient)            403     201      403    403       403       403  201   404     403      403     403
GET /api/v1/appointments                               403     200      200    200       200       200  200   200     403      403     403
GET /api/v1/appointments/:id                           403     200      404    200       404       404  200   404     403      403     403
PUT /api/v1/appointments/:id (CONFIRMED)               403     403~     404    200       404       404  200   404     403      403     403
PUT /api/v1/appointments/:id (CANCELLED)               403     200      404    200       404       404  200   404     403      403     403
PUT /api/v1/appointments/:id (another time)            403     200      404    403~      404       404  200   404     403      403     403

POST /api/v1/payments                                  403     201      404    201       404       404  201   404     403      403     403
POST /api/v1/payments (without appointment)            403     201      403    201       403       403  201   404     403      403     403
GET /api/v1/payments                                   403     200      200    200       200       200  200   200     403      403     403
GET /api/v1/payments/:id                               403     200      404    200       404       404  200   404     403      403     403
PUT /api/v1/payments/:id/status                        403     403      403    200       404       404  200   404     403      403     403

POST /api/v1/receptionists                             201     409      409    409       409       409  409   409     409      409     409
POST /api/v1/receptionists (right code)                201     409      409    409       409       409  409   409     409      409     409
POST /api/v1/receptionists (wrong code)                422     409      409    409       409       409  409   409     409      409     409
GET /api/v1/receptionists                              403     403      403    200       200       200  200   200     200      403     403
PUT /api/v1/receptionists/:id                          403     403      403    200       200       404  403   403     403      403     403
GET /api/v1/receptionists/stats                        403     403      403    403       403       403  200   200     403      403     403
GET /api/v1/receptionists/queue                        403     403      403    200       200       200  200   200     403      403     403
GET /api/v1/receptionists/queue (of the clinic)        403     403      403    200       200       404  200   404     403      403     403
POST /api/v1/receptionists/queue/next                  403     403      403    200       403~      404  200   404     403      403     403
PUT /api/v1/receptionists/queue/:appointmentId         403     403      403    200       403~      404  200   404     403      403     403
PUT /api/v1/receptionists/queue/:appointmentId (not waiting) 403 403    403    409~      404       404  409~  404     403      403     403

GET /api/v1/audit/me                                   403     200      200    403       403       403  403   403     403      403     403

GET /api/v1/notifications                              200     200      200    200       200       200  200   200     200      403     403
PUT /api/v1/notifications/read                         200     200      200    200       200       200  200   200     200      403     403
`
